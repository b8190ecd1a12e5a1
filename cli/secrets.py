"""`./katydid secrets FOLDER`: all the secrets of a cluster whose programs run on several machines.

They are copied to each machine, or given to its containers (`deploy/compose.yaml`).
"""

from pathlib import Path

from chat.errors import KatydidError
from chat.secrets import load_secrets_in, make_missing_in, make_secret
from cli.terminal import say
from mqtt_acl.http_auth import door_path

# Of PostgreSQL's user `katydid`; and what lets RabbitMQ's nodes trust each other.
_OF_OTHERS = ("database_password", "erlang_cookie")


class NoFolder(KatydidError):
    """It was not said where to."""

    def __init__(self) -> None:
        super().__init__("Say where the secrets belong: ./katydid secrets FOLDER.")


def make_secrets(arguments: list[str]) -> int:
    """Make those that are not there yet; an existing one is never changed. Exit status: 0."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise NoFolder
    folder = Path(arguments[0])
    made = make_missing_in(folder, more=_OF_OTHERS)
    for name, text in _derived(folder).items():
        if make_secret(folder / name, text):
            made.append(folder / name)
    for path in made:
        say(f"made the secret {path}")
    if not made:
        say(f"all secrets are in {folder} already")
    return 0


def _derived(folder: Path) -> dict[str, str]:
    """What others have to know of these secrets, in the form in which they take it."""
    password = (folder / "database_password").read_text(encoding="ascii").strip()
    return {
        # As libpq reads it where PGPASSFILE says so: a URL with a password would show it to
        # everybody who may look at a container.
        "pgpass": f"*:*:*:katydid:{password}\n",
        # RabbitMQ asks at Katydid's door below this word.
        "door_word": f"{door_path(load_secrets_in(folder)).strip('/')}\n",
    }
