"""Where the commands keep what they need: one base folder, in it a folder for each account, and in
that one for each purpose, since one device is one connection, and a script may send while another
listens.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import KatydidError
from .folder import private_folder, read_credential, usual_base, usual_folder, write_privately

_CURRENT = "current.json"


class NobodyLoggedIn(KatydidError):
    """No account was named, and none logged in here before."""

    def __init__(self) -> None:
        super().__init__("Nobody is logged in here; begin with: login URL ACCOUNT.")


@dataclass(frozen=True, kw_only=True)
class Place:
    """An account at a server, with its folders."""

    url: str
    account: str
    folder: Path

    def purpose(self, name: str) -> Path:
        """The folder of a device of its own."""
        return self.folder / name


def place_of(base: Path | None, url: str, account: str) -> Place:
    folder = usual_folder(url, account, base=base)
    return Place(url=url.rstrip("/"), account=account, folder=folder)


def current_place(base: Path | None) -> Place:
    """Whoever logged in last. Raises NobodyLoggedIn and FolderNotUsable."""
    file = _current(base)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        place = place_of(base, content["url"], content["account"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NobodyLoggedIn from None
    if read_credential(place.folder) is None:
        raise NobodyLoggedIn
    return place


def remember(base: Path | None, place: Place) -> None:
    """Commands that name no account mean this one from now on."""
    file = _current(base)
    private_folder(file.parent)
    write_privately(file, {"url": place.url, "account": place.account})


def _current(base: Path | None) -> Path:
    return (base or usual_base()) / _CURRENT
