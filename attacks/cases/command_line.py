"""Settings and words that somebody else has chosen for who starts the programs."""

import subprocess
from collections.abc import Callable

from attacks.attack import COMMAND_LINE, Door, Seen
from attacks.place import Place
from bench.chaos.layout import child_environ
from chat.settings import REPOSITORY

COMMAND_LINE_DOOR = Door(COMMAND_LINE)
_KATYDID = str(REPOSITORY / "katydid")
_PASSWORD = "do-not-print-me"  # noqa: S105  that must not be shown
_URLS = {
    "of a server that is not there": f"postgresql+psycopg://katydid:{_PASSWORD}@127.0.0.1:1/katydid",
    "of another kind": f"mysql://katydid:{_PASSWORD}@127.0.0.1/katydid",
    "that is broken": f"postgresql+psycopg://katydid:{_PASSWORD}@[::1/katydid",
    "with a port that is none": f"postgresql+psycopg://katydid:{_PASSWORD}@127.0.0.1:99999x/x",
}


def _run(place: Place, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    home = {"KATYDID_HOME": str(place.home / "commanded")}
    return subprocess.run(
        [_KATYDID, *words],
        env=child_environ() | home | environ,
        cwd=place.home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@COMMAND_LINE_DOOR.attack("a home with words for a shell in its name", "taken for a name")
def shell_in_the_home(place: Place) -> Seen:
    name = place.home / "$(touch shelled) `touch shelled`; touch shelled #'\""
    done = _run(place, "migrate", KATYDID_HOME=str(name))
    has_run = (place.home / "shelled").exists()
    return Seen(not has_run and "Traceback" not in done.stderr, f"status {done.returncode}")


@COMMAND_LINE_DOOR.attack(
    "words for a shell in settings and arguments", "refused or taken as they are"
)
def shell_in_settings(place: Place) -> Seen:
    word = "$(touch shelled)"
    done = [_run(place, "migrate", **{f"KATYDID_{name}": word}) for name in ("HOST", "BROKER")]
    done += [_run(place, "migrate-to", word), _run(place, word)]
    has_run = (place.home / "shelled").exists()
    said = [each for each in done if "Traceback" in each.stderr]
    statuses = sorted({each.returncode for each in done})
    return Seen(not has_run and not said, f"status {', '.join(map(str, statuses))}")


def _keeping_quiet(url: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        done = _run(place, "migrate", KATYDID_DATABASE_URL=url)
        shown = _PASSWORD in done.stdout + done.stderr
        held = not shown and done.returncode in (1, 2) and "Traceback" not in done.stderr
        return Seen(held, "shown" if shown else f"status {done.returncode}, not shown")

    return run


for _name, _url in _URLS.items():
    COMMAND_LINE_DOOR.add(
        f"the database's password, in a URL {_name}", "not shown", _keeping_quiet(_url)
    )


@COMMAND_LINE_DOOR.attack("a module of one's own where the command is called from", "not loaded")
def planted_module(place: Place) -> Seen:
    for name in ("cli", "chat", "json", "sitecustomize"):
        (place.home / f"{name}.py").write_text("open('planted', 'w').close()\n", encoding="ascii")
    _run(place, "migrate")
    loaded = (place.home / "planted").exists()
    for file in place.home.glob("*.py"):
        file.unlink()
    return Seen(not loaded, "loaded" if loaded else "not loaded")
