"""New secrets in the place of those that are there: two steps for each, between which both hold.

The file has the new one in its first line and the one before in its second. What else has to be
done for each of them, and when, is the business of `./katydid rotate`.
"""

import base64
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from chat.secrets import SERVER_KEY, ServerKeys, new_password, passwords_in, server_keys_in


def change_server_key(folder: Path, *, since: int) -> None:
    """A new server key, for devices from the generation `since` on; the one that was there is kept
    as the one before. Raises SecretMissing."""
    keys = server_keys_in(folder)
    new = secrets.token_bytes(32)
    _write_server_keys(folder, ServerKeys(new, since=since, before=keys.current))


def forget_server_key_before(folder: Path) -> None:
    """What was derived from it holds no more. Raises SecretMissing."""
    keys = server_keys_in(folder)
    _write_server_keys(folder, ServerKeys(keys.current, since=keys.since))


def change_password(folder: Path, name: str, *, keeps_before: bool) -> None:
    """A new password of our own programs; the one that was there is kept as the one before, if it
    is to be. Raises SecretMissing."""
    before, *_ = passwords_in(folder, name)
    _write(folder / name, [new_password(), *([before] if keeps_before else [])])


def forget_password_before(folder: Path, name: str) -> None:
    """It opens nothing any more at who reads the file. Raises SecretMissing."""
    current, *_ = passwords_in(folder, name)
    _write(folder / name, [current])


def _write_server_keys(folder: Path, keys: ServerKeys) -> None:
    lines = [f"{_as_text(keys.current)} {keys.since}"]
    if keys.before is not None:
        lines.append(_as_text(keys.before))
    _write(folder / SERVER_KEY, lines)


def _write(path: Path, lines: Sequence[str]) -> None:
    """At once, and for the owner that the file has: a crash leaves one state or the other."""
    owner = path.stat()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        os.chown(draft, owner.st_uid, owner.st_gid)
        with draft.open("w", encoding="ascii") as file:
            file.write("\n".join([*lines, ""]))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _as_text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode("ascii")
