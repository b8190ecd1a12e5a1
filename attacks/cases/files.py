"""What other users of the machine can read: files, command lines, logs."""

import stat
from pathlib import Path

from attacks.attack import FILES, Door, Seen
from attacks.loot import CANARY
from attacks.place import Place
from bench.people import PASSWORD
from bench.processes import tree
from chat.secrets import FILES as SECRETS
from chat.secrets import make_missing_in

FILES_DOOR = Door(FILES)
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@FILES_DOOR.attack("secrets read by another user", "for their owner alone, and their folder")
def modes_of_secrets(place: Place) -> Seen:
    folder = place.settings.secrets_dir
    files = [folder, *(folder / name for name in SECRETS)]
    open_ones = [each.name for each in files if each.stat().st_mode & _OF_OTHERS]
    return Seen(not open_ones, ", ".join(open_ones) or "0600 in 0700")


@FILES_DOOR.attack("the archive and the broker's files read by another user", "not to be reached")
def modes_of_the_home(place: Place) -> Seen:
    """By the mode of each file, or of a folder on the way to it."""
    reached = [str(each.relative_to(place.home)) for each in _reached_by_others(place.home)]
    return Seen(not reached, ", ".join(reached[:3]) or "none can be reached")


def _reached_by_others(home: Path) -> list[Path]:
    names = ("*.db", "*.db-*", "broker/*", "secrets/*", "logs/*", "rabbitmq/*/rabbitmq.conf")
    files = [each for name in names for each in home.glob(name) if each.is_file()]
    return [each for each in files if _may_all_go_through(home, each)]


def _may_all_go_through(home: Path, file: Path) -> bool:
    way = [home, *(each for each in file.parents if each.is_relative_to(home))]
    is_open = all(each.stat().st_mode & stat.S_IXOTH for each in way)
    return is_open and bool(file.stat().st_mode & stat.S_IROTH)


def _secrets(place: Place) -> list[str]:
    own = [(place.settings.secrets_dir / name).read_text().strip() for name in SECRETS]
    return [*own, place.alice.password, place.mallory.password, PASSWORD]


@FILES_DOOR.attack("secrets in a command line, which `ps` shows to all", "none")
def command_lines(place: Place) -> Seen:
    pids = {pid for part in place.installation.parts.values() for pid in tree(part)}
    words = b"".join(_read(Path(f"/proc/{pid}/cmdline")) for pid in pids)
    shown = [each for each in _secrets(place) if each.encode() in words]
    return Seen(not shown and len(pids) > 4, f"{len(shown)} in {len(pids)} command lines")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


@FILES_DOOR.attack("secrets, passwords and texts in the logs", "none")
def logs(place: Place) -> Seen:
    place.check_well()
    said = list(place.logs())
    shown = [each for each in [*_secrets(place), CANARY] if any(each in log for log in said)]
    size = sum(map(len, said))
    return Seen(not shown and size > 0, f"{len(shown)} in {size // 1000} kB of logs")


@FILES_DOOR.attack(
    "a link in the place of a secret that is to be made", "nothing written through it"
)
def linked_secret(place: Place) -> Seen:
    folder, elsewhere = place.home / "linked", place.home / "elsewhere"
    folder.mkdir(mode=0o700)
    (folder / "server_key").symlink_to(elsewhere)
    make_missing_in(folder)
    written = elsewhere.exists()
    return Seen(not written, "written through it" if written else "left as it is")


@FILES_DOOR.attack("passwords and device secrets from the archive itself", "hashes, and none")
def archive(place: Place) -> Seen:
    stored = b"".join(_read(each) for each in place.home.glob("katydid.db*"))
    shown = [each for each in _secrets(place) if each.encode() in stored]
    return Seen(not shown and b"$argon2id$" in stored, f"{len(shown)} in clear")
