"""The secrets of an installation: random, made at the first start, one file each, mode 0600.

No secret has a default and none is a setting. Everything else that must be secret (the session
cookies' key, each device's password) is derived from the server key, so it need not be kept.
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

# The names of all files, in the folder `secrets`.
FILES = ("server_key", "admin_password", "bridge_password")


@dataclass(frozen=True, repr=False)
class Secrets:
    """What must not leave the machine; has no repr, so that no log line can show it."""

    server_key: bytes
    admin_password: str
    bridge_password: str

    def key_for(self, purpose: str) -> bytes:
        """32 bytes for one purpose, such as "session cookie"; the same at every call."""
        return hmac.digest(self.server_key, b"katydid " + purpose.encode(), hashlib.sha256)


def load_secrets(settings: Settings) -> Secrets:
    """The installation's secrets. Raises SecretMissing, naming the file."""
    return load_secrets_in(settings.secrets_dir)


def load_secrets_in(folder: Path) -> Secrets:
    """As `load_secrets`, from any folder."""
    server_key, admin_password, bridge_password = (_read(folder / name) for name in FILES)
    return Secrets(base64.urlsafe_b64decode(server_key), admin_password, bridge_password)


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
        draft.write_text(text or secrets.token_urlsafe(32) + "=\n", encoding="ascii")
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(str(path)) from None
    if len(text) < 43:
        raise SecretMissing(str(path))
    return text
