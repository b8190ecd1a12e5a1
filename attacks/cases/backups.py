"""Backups that somebody has changed, and what of one can be read."""

import gzip
import io
import re
import stat
import subprocess
import tarfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from attacks.attack import FILES, Door, Seen
from attacks.place import Place
from bench.chaos.layout import child_environ
from bench.people import PASSWORD
from chat.secrets import FILES as SECRETS
from chat.settings import REPOSITORY

FILES_DOOR = Door(FILES)
_KATYDID = str(REPOSITORY / "katydid")
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
Member = tuple[tarfile.TarInfo, bytes]
Change = Callable[[Place, list[Member]], list[Member]]


def _run(place: Place, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """By who lets others in, if nobody says otherwise."""
    return subprocess.run(
        [_KATYDID, *words],
        env=child_environ() | environ,
        cwd=place.home,
        capture_output=True,
        text=True,
        timeout=180,
        umask=0,
        check=False,
    )


@lru_cache(maxsize=1)
def _backup(place: Place) -> Path:
    """Of the place, while it runs."""
    file = place.home / "one.katydid"
    _run(place, "backup", str(file), KATYDID_HOME=str(place.home)).check_returncode()
    return file


def _restore(
    place: Place, file: Path, name: str
) -> "tuple[subprocess.CompletedProcess[str], Path]":
    """Into a home of that name; what was said, and the home."""
    home = place.home / "restored" / name
    home.parent.mkdir(mode=0o700, exist_ok=True)
    return _run(place, "restore", str(file), KATYDID_HOME=str(home)), home


def _members(file: Path) -> list[Member]:
    with tarfile.open(file) as tar:
        found = []
        for member in tar:
            content = tar.extractfile(member)
            found.append((member, content.read() if content else b""))
        return found


def _written(members: list[Member], file: Path) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return file


def _made(name: str, content: bytes = b"x", **attributes: object) -> Member:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member, content


def _with(name: str, *, at: int = 1, content: bytes = b"x", **attributes: object) -> Change:
    """One more member."""
    return lambda _, members: [*members[:at], _made(name, content, **attributes), *members[at:]]


def _instead(part: str, change: Callable[[Place, Member], Member]) -> Change:
    """The member of which that is a part of the name is another."""
    return lambda place, members: [
        change(place, each) if part in each[0].name else each for each in members
    ]


def _linked(place: Place, member: Member) -> Member:
    where = str(place.home / "secrets" / "server_key")
    return _made(member[0].name, b"", type=tarfile.SYMTYPE, linkname=where)


def _reworded(old: bytes, new: bytes) -> Callable[[Place, Member], Member]:
    def change(_place: Place, member: Member) -> Member:
        content = member[1].replace(old, new, 1)
        return _made(member[0].name, content)

    return change


def _unlike(_place: Place, member: Member) -> Member:
    return _made(member[0].name, member[1][::-1].lstrip() or b"x" * 44)


_CHANGES: dict[str, Change] = {
    "a name that leads out of it": _with("../../../escaped"),
    "an absolute name": lambda place, members: _with(str(place.home / "escaped"))(place, members),
    "a link in the place of a secret": _instead("server_key", _linked),
    "a device in the place of a table": _with("tables/account/0.jsonl", type=tarfile.CHRTYPE),
    "SQL in the name of a table": _with("tables/account; DROP TABLE account; --/1.jsonl", at=4),
    "one account more": _instead(
        "tables/account/1.jsonl", lambda _, each: _made(each[0].name, each[1] * 2)
    ),
    "another word in a text": _instead("tables/message/1", _reworded(b"canary", b"parrot")),
    "SQL in a value": _instead("tables/account/1", _reworded(b'"alice"', b'"a\'; DROP TABLE x"')),
    "a row that is none": _instead("tables/account/1", _reworded(b"[", b'[1,"x",')),
    "another server key": _instead("server_key", _unlike),
    "tables of another version": _instead("manifest", _reworded(b'"tables":"', b'"tables":"x')),
    "a later format": _instead("manifest", _reworded(b'"format":1', b'"format":99')),
    "a member of 20 MB": _with("tables/account/1.jsonl", at=4, content=b"[" * 20_000_000),
}


def _restoring(name: str, change: Change) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        file = place.home / "changed.katydid"
        _written(change(place, _members(_backup(place))), file)
        return _judged(place, file, name)

    return run


def _judged(place: Place, file: Path, name: str) -> Seen:
    """Whether it was refused in one sentence, and nothing of it is anywhere."""
    done, home = _restore(place, file, re.sub(r"\W+", "-", name))
    file.unlink()
    left = [each for each in SECRETS if (home / "secrets" / each).exists()]
    escaped = list(place.home.rglob("escaped"))
    has_rows = (home / "katydid.db").exists() and b"alice" in (home / "katydid.db").read_bytes()
    sentences = done.stderr.strip().count("\n") + 1
    held = done.returncode == 1 and sentences == 1 and "Traceback" not in done.stderr
    held = held and not left and not escaped and not has_rows
    says = done.stderr.strip().rpartition("/")[2].partition(" ")[2]
    return Seen(held, says[:80] or f"status {done.returncode}")


for _name, _change in _CHANGES.items():
    FILES_DOOR.add(
        f"a backup with {_name}, put back", "refused, nothing put back", _restoring(_name, _change)
    )


@FILES_DOOR.attack("a backup that was cut in half, put back", "refused, nothing put back")
def cut(place: Place) -> Seen:
    file = place.home / "changed.katydid"
    whole = _backup(place).read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    return _judged(place, file, "cut")


@FILES_DOOR.attack("a file of 200 kB that unpacks to 200 MB, put back", "refused, nothing put back")
def bomb(place: Place) -> Seen:
    file = place.home / "changed.katydid"
    file.write_bytes(gzip.compress(b"\0" * 200_000_000))
    return _judged(place, file, "bomb")


@FILES_DOOR.attack("a backup put back over another installation", "refused, that as it was")
def over_another(place: Place) -> Seen:
    file = _backup(place)
    first, home = _restore(place, file, "another")
    (home / "secrets" / "server_key").write_text("x" * 43 + "=\n", encoding="ascii")
    done, _ = _restore(place, file, "another")
    kept = (home / "secrets" / "server_key").read_text(encoding="ascii").startswith("xxx")
    held = first.returncode == 0 and done.returncode == 1 and kept
    return Seen(held, "refused, its key stays" if held else done.stderr.strip()[:80])


@FILES_DOOR.attack(
    "a backup, and what it is put back into, read by another user", "for their owner alone"
)
def modes(place: Place) -> Seen:
    """Written by who lets others in (`umask 0`)."""
    file = _backup(place)
    done, home = _restore(place, file, "modes")
    paths = [file, *(path for path in (home, *home.rglob("*")) if not path.is_symlink())]
    open_ones = [path.name for path in paths if path.stat().st_mode & _OF_OTHERS]
    held = done.returncode == 0 and not open_ones
    return Seen(held, ", ".join(open_ones[:3]) or f"0600 or 0700, all {len(paths)}")


@FILES_DOOR.attack("passwords and devices' secrets from a backup", "hashes, and none")
def credentials(place: Place) -> Seen:
    """Of the secrets it has those that it says, without which nothing could be put back."""
    content = b"".join(part for _, part in _members(_backup(place)))
    shown = [
        each
        for each in (place.alice.password, place.mallory.password, PASSWORD)
        if each.encode() in content
    ]
    names = sorted(each[0].name for each in _members(_backup(place)) if "secrets/" in each[0].name)
    has_more = len(names) != len(SECRETS)
    held = not shown and not has_more and b"$argon2id$" in content
    return Seen(held, f"{len(shown)} in clear, {len(names)} secrets of the server")


@FILES_DOOR.attack(
    "a home and secrets that another user reads, at the start", "named, with what helps"
)
def open_home(place: Place) -> Seen:
    """The port is taken, so that it starts nothing."""
    home = place.home / "open"
    (home / "secrets").mkdir(parents=True)
    home.chmod(0o755)
    secret = home / "secrets" / "server_key"
    secret.write_text("x" * 43 + "=\n", encoding="ascii")
    secret.chmod(0o644)
    port = str(place.http_port)
    said = _run(place, "up", KATYDID_HOME=str(home), KATYDID_HTTP_PORT=port).stderr
    named = f"chmod 700 {home}" in said and f"chmod 600 {secret}" in said
    return Seen(named, "both named" if named else said.strip()[:80])
