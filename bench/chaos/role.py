"""What one participant's process is told: who it is, whom it writes to, how often, and where its
ledger is. A file, so that one that was killed begins as the same again."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.people import Person

PLAIN, CLIENT, BROWSER = "plain publisher", "reference client", "browser"


@dataclass(frozen=True)
class Signs:
    """What is to be done now: files, which somebody who was away finds as well."""

    folder: Path

    def begin(self) -> None:
        """Everybody is there: what is written from now on, all are shown."""
        (self.folder / "begin").touch()

    def may_begin(self) -> bool:
        return (self.folder / "begin").exists()

    def enough(self) -> None:
        """Nothing more is to be written, but what was begun brought to its end."""
        (self.folder / "enough").touch()

    def is_enough(self) -> bool:
        return (self.folder / "enough").exists()


@dataclass(frozen=True, kw_only=True)
class Role:
    """`people` play it, each writing to the one of the same place in `peers`, a text in so many
    seconds; all they keep is in `folder`."""

    name: str
    kind: str
    url: str
    people: Sequence[Person]
    peers: Sequence[str]
    every_seconds: float
    folder: Path
    signs: Signs

    @property
    def ledger_file(self) -> Path:
        return self.folder / "ledger"

    def save(self) -> Path:
        """Where it is read by `role_from`; it holds passwords."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        file = self.folder / "role.json"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as role:
            json.dump(asdict(self), role, default=str)
        return file


def role_from(file: str) -> Role:
    """What `save` wrote."""
    said = json.loads(Path(file).read_text(encoding="utf-8"))
    return Role(
        **{
            **said,
            "people": [Person(**each) for each in said["people"]],
            "folder": Path(said["folder"]),
            "signs": Signs(Path(said["signs"]["folder"])),
        }
    )
