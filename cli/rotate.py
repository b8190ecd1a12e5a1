"""`./katydid rotate WHAT`: a new server key, or a new password of bridge or admin, while nobody is
logged out; and `--retire`, the end of the one before.

Between the two, both hold. `./katydid cluster rotate` does the same to a cluster that runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chat.secrets import ADMIN_PASSWORD, BRIDGE_PASSWORD
from chat.settings import Settings, settings_from
from cli import rotate_key, rotate_password
from cli.home import held_home
from cli.rotate_key import CannotRotate

_PASSWORDS = {"bridge-password": BRIDGE_PASSWORD, "admin-password": ADMIN_PASSWORD}
_OPTIONS: tuple[list[str], ...] = ([], ["--retire"])
_OPTIONS_OF_KEY: tuple[list[str], ...] = (*_OPTIONS, ["--retire", "--cut-off"])


class Asked(NamedTuple):
    """What is to be changed: the file of a password, or None for the server key; and how far."""

    password: str | None
    retires: bool = False
    cuts_off: bool = False


def rotate(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when it was done. Raises CannotRotate."""
    asked = asked_for(arguments)
    settings = settings_from(environ)
    if asked.password is not None and settings.broker == "rabbitmq":
        change(settings, asked)  # whatever runs
        return 0
    # What runs from another home, on other machines, is not seen from here.
    with held_home(settings, counts_anew=False):
        change(settings, asked)
    return 0


def asked_for(arguments: Sequence[str]) -> Asked:
    """What these words ask for. Raises CannotRotate."""
    is_named = bool(arguments) and not arguments[0].startswith("-")
    what, options = (arguments[0], arguments[1:]) if is_named else ("server-key", arguments)
    allowed = _OPTIONS if what in _PASSWORDS else _OPTIONS_OF_KEY
    if what not in ("server-key", *_PASSWORDS) or list(options) not in allowed:
        raise CannotRotate(
            "rotate is for one of: rotate [server-key] [--retire [--cut-off]], rotate"
            " bridge-password [--retire], rotate admin-password [--retire]."
        )
    return Asked(_PASSWORDS.get(what), "--retire" in options, "--cut-off" in options)


def change(
    settings: Settings, asked: Asked, *, before_key_ends: Callable[[], None] = lambda: None
) -> None:
    """Do it. Raises CannotRotate, and BrokerUnreachable."""
    if asked.password is not None:
        step = rotate_password.retire if asked.retires else rotate_password.begin
        step(settings, asked.password)
    elif asked.retires:
        rotate_key.retire(settings, cuts_off=asked.cuts_off, before_it_ends=before_key_ends)
    else:
        rotate_key.begin(settings)
