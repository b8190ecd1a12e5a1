"""The secrets of an installation: random, made at the first start, one file each, mode 0600.

No secret has a default and none is a setting. Everything else that must be secret (the session
cookies' key, each device's password) is derived from the server key, so it need not be kept.

Each can be changed without a moment in which nobody gets in: for a while the one before is kept
with it, in the same file, and holds too (`rotation.py`, `./katydid rotate`).
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.errors import SecretMissing
from chat.settings import Settings

SERVER_KEY, ADMIN_PASSWORD, BRIDGE_PASSWORD = "server_key", "admin_password", "bridge_password"
# The names of all files, in the folder `secrets`.
FILES = (SERVER_KEY, ADMIN_PASSWORD, BRIDGE_PASSWORD)
_KEY_CHARACTERS = 43  # 32 bytes in base64, without what fills them up


@dataclass(frozen=True, repr=False)
class ServerKeys:
    """The server key, and the one `before` while it is kept, from which devices of a generation
    below `since` have their secrets."""

    current: bytes
    since: int = 1
    before: bytes | None = None

    def of(self, generation: int) -> bytes:
        """The key that secrets of this generation are derived from."""
        if self.before is not None and generation < self.since:
            return self.before
        return self.current


@dataclass(frozen=True, repr=False)
class Secrets:
    """What must not leave the machine; has no repr, so that no log line can show it."""

    server_keys: ServerKeys
    admin_password: str
    bridge_password: str

    def key_for(self, purpose: str) -> bytes:
        """32 bytes for one purpose, such as "session cookie"; the same at every call."""
        return _derived(self.server_keys.current, purpose)

    def old_keys_for(self, purpose: str) -> list[bytes]:
        """What `key_for` answered before the server key was changed, while that still holds: one
        or none."""
        before = self.server_keys.before
        return [] if before is None else [_derived(before, purpose)]


def load_secrets(settings: Settings) -> Secrets:
    """The installation's secrets. Raises SecretMissing, naming the file."""
    return load_secrets_in(settings.secrets_dir)


def load_secrets_in(folder: Path) -> Secrets:
    """As `load_secrets`, from any folder."""
    server_keys = server_keys_in(folder)
    (admin, *_), (bridge, *_) = (passwords_in(folder, name) for name in FILES[1:])
    return Secrets(server_keys, admin, bridge)


def server_keys_in(folder: Path) -> ServerKeys:
    """The first line is the key, and from which generation on it holds, unless it is the first
    one; the second, if there is one, is the key before. Raises SecretMissing."""
    path = folder / SERVER_KEY
    first, *before = _read(path).splitlines()
    current, _, since = first.partition(" ")
    try:
        return ServerKeys(
            _as_key(current),
            since=int(since or 1),
            before=_as_key(before[0]) if before else None,
        )
    except ValueError:
        raise SecretMissing(str(path)) from None


def passwords_in(folder: Path, name: str) -> list[str]:
    """That password of our own programs, and the one before it while that is kept. Whoever uses it
    reads it again each time, and so need not be started again for a new one. Raises
    SecretMissing."""
    path = folder / name
    passwords = _read(path).splitlines()
    if any(len(password) < _KEY_CHARACTERS for password in passwords):
        raise SecretMissing(str(path))
    return passwords


def make_missing_secrets(settings: Settings) -> list[Path]:
    """Make the secrets that are not there yet; answers which. An existing one is never changed."""
    return make_missing_in(settings.secrets_dir)


def make_missing_in(folder: Path, *, more: Sequence[str] = ()) -> list[Path]:
    """As `make_missing_secrets`, in any folder, and with more secrets of the same kind."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [path for name in (*FILES, *more) if make_secret(path := folder / name)]


def make_secret(path: Path, text: str | None = None) -> bool:
    """Make one secret, random unless it has to say something; whether it was missing."""
    if path.exists():
        return False
    # Written aside and linked into place: a crash leaves no half secret, and of two starters
    # at once the first wins.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(text or new_password() + "\n", encoding="ascii")
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def new_password() -> str:
    """32 random bytes, in base64: good for a key, too."""
    return secrets.token_urlsafe(32) + "="


def _as_key(text: str) -> bytes:
    """Raises ValueError when it is cut short."""
    if len(text) < _KEY_CHARACTERS:
        raise ValueError
    return base64.urlsafe_b64decode(text)


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"katydid " + purpose.encode(), hashlib.sha256)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(str(path)) from None
    if len(text) < _KEY_CHARACTERS:
        raise SecretMissing(str(path))
    return text
