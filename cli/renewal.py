"""A renewed certificate is taken without anybody asking for it, and without cutting anybody off.

Whoever renews certificates writes two files, one after the other. So what has changed is looked at
when it has stayed the same from one look to the next; and while the two do not go together, HAProxy
goes on with those that it has.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from chat.errors import SettingError
from chat.settings import Settings
from chat.times import now
from cli.haproxy import check_certificate, check_certificate_lasts
from cli.terminal import say

_LOOKS_EVERY_SECONDS = 5.0

# Of each file, links followed: which one it is, and when it was written.
_State = list[tuple[int, int] | None]


@contextmanager
def taking_renewed_certificates(settings: Settings) -> Iterator[None]:
    """While this is so, HAProxy has the certificate that is in the files. Nothing without TLS."""
    if not settings.has_tls:
        yield
        return
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(settings, over), daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _watch(settings: Settings, over: threading.Event) -> None:
    taken = seen = _state_of(settings)
    while not over.wait(_LOOKS_EVERY_SECONDS):
        before, seen = seen, _state_of(settings)
        if seen == before and seen != taken:
            taken = seen
            _take(settings, now())


def _take(settings: Settings, at: datetime) -> None:
    try:
        check_certificate(settings)
        check_certificate_lasts(settings, at)
        os.kill(_haproxy(settings), signal.SIGUSR2)
    except SettingError as error:
        say(f"warning: the certificate has changed, and the one before stays in use: {error}")
    except (OSError, ValueError):
        pass  # it is being started, and then reads what is there
    else:
        say("the certificate has changed; the new one is in use")


def _haproxy(settings: Settings) -> int:
    """Raises OSError and ValueError while it does not run."""
    return int((settings.run_dir / "haproxy.pid").read_text())


def _state_of(settings: Settings) -> _State:
    return [_stamp(file) for file in (settings.tls_certificate, settings.tls_key)]


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)
