"""Files that hold secrets: for their owner alone, and never half written."""

import os
from pathlib import Path


def write_private(file: Path, content: str, *, owner: tuple[int, int] | None = None) -> None:
    """Put the file there, or in the place of an earlier one, with mode 0600; `owner` is another
    user and group than our own. Raises OSError."""
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="utf-8")
    if owner is not None:
        os.chown(draft, *owner)
    draft.replace(file)
