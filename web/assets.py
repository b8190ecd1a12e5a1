"""The files that pages are made of: which there are, their common version, and each compressed.

Here is what a browser may know of anybody, logged in or not; only that is compressed, since the
size of an answer that holds a secret tells of it (the attack called BREACH). How they are answered
is in `pages/shell.py`.
"""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path

import brotli
import rcssmin
import rjsmin

from chat.errors import KatydidError
from chat.settings import REPOSITORY

_STATIC = REPOSITORY / "web" / "static"
_TEMPLATES = REPOSITORY / "web" / "templates"
_FROM_NPM = {"vendor/mqtt.js": REPOSITORY / "node_modules" / "mqtt" / "dist" / "mqtt.esm.js"}
_MIMETYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    # Level 11 is 2 % smaller than 10, and takes twice as long: 1 s for mqtt.js (November 2026).
    "br": lambda content: bytes(brotli.compress(content, quality=11)),
    "gzip": lambda content: gzip.compress(content, mtime=0),
}
# What our own files say to their readers stays here: a quarter of what a first visit fetches.
_MAKE_SMALL: dict[str, Callable[[str], str]] = {".js": rjsmin.jsmin, ".css": rcssmin.cssmin}
_IMPORT = re.compile(r"\b(?:import|from) ?'(\./[^']+)'")


class Asset:
    """One file. It is compressed when it is first asked for so, and then kept."""

    def __init__(self, name: str, content: bytes) -> None:
        suffix = posixpath.splitext(name)[1]
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.mimetype = _MIMETYPES.get(suffix, guessed)
        self.content = content
        self._compressed: dict[str, bytes] = {}

    @cached_property
    def checksum(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def encodings(self) -> list[str]:
        """How it can be sent, the best first; pictures are compressed already."""
        is_picture = self.mimetype.startswith("image/") and "svg" not in self.mimetype
        return ["identity"] if is_picture else [*_COMPRESS, "identity"]

    def encoded(self, encoding: str) -> bytes:
        """The content as one of `encodings`."""
        if encoding == "identity":
            return self.content
        if encoding not in self._compressed:
            self._compressed[encoding] = _COMPRESS[encoding](self.content)
        return self._compressed[encoding]


class Assets(Mapping[str, Asset]):
    """All files by their names below `/static`. Read once: a change needs a new start."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._assets = {name: Asset(name, _read(name, path)) for name, path in files.items()}

    def __getitem__(self, name: str) -> Asset:
        return self._assets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)

    @cached_property
    def version(self) -> str:
        """Another one as soon as any file or any page has changed."""
        made_of = hashlib.sha256()
        for name in sorted(self):
            made_of.update(f"{name} {self[name].checksum}\n".encode())
        for template in sorted(_TEMPLATES.rglob("*.html")):
            made_of.update(template.read_bytes())
        return f"v-{made_of.hexdigest()[:12]}"

    def modules(self, name: str) -> list[str]:
        """A module and all that it imports, and so on: what a page needs before it can begin."""
        needed = [name]
        for each in needed:
            source = self[each].content.decode()
            needed += [
                found
                for path in _IMPORT.findall(source)
                if (found := posixpath.normpath(path)) not in needed
            ]
        return needed


def _read(name: str, path: Path) -> bytes:
    make_small = _MAKE_SMALL.get(path.suffix)
    if make_small is None or name in _FROM_NPM:
        return path.read_bytes()
    return make_small(path.read_text(encoding="utf-8")).encode()


class LibrariesMissing(KatydidError):
    """npm has not brought yet what the browser needs."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The browser's library {path} is missing; ./katydid prepare brings it.")


@cache
def assets() -> Assets:
    """The files of this program. Raises LibrariesMissing."""
    for path in _FROM_NPM.values():
        if not path.is_file():
            raise LibrariesMissing(path)
    own = {
        path.relative_to(_STATIC).as_posix(): path
        for path in sorted(_STATIC.rglob("*"))
        if path.is_file()
    }
    return Assets(own | _FROM_NPM)
