"""Pins: the file PRESSED is one press of the button; the light is told on stdout."""

import os
from pathlib import Path


class Pin:
    IN, OUT, PULL_UP = "in", "out", "up"

    def __init__(self, _number: int, mode: str, _pull: str | None = None) -> None:
        self._mode = mode

    def value(self, value: object = None) -> int:
        if self._mode == self.OUT:
            print("light", int(bool(value)), flush=True)
            return 0
        press = Path(os.environ["PRESSED"])
        is_pressed = press.exists()
        press.unlink(missing_ok=True)
        return 0 if is_pressed else 1
