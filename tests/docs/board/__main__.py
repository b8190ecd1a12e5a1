"""A stand-in for a board with MicroPython: `python tests/docs/board main.py` runs the program with
modules that look like a board's, at a real broker. What it shows is what the program says to whom
and when, not that a board could run it."""

import runpy
import sys
import time

time.sleep_ms = lambda milliseconds: time.sleep(milliseconds / 1000)  # type: ignore[attr-defined]
time.ticks_ms = lambda: int(time.monotonic() * 1000)  # type: ignore[attr-defined]
time.ticks_diff = lambda later, earlier: later - earlier  # type: ignore[attr-defined]
runpy.run_path(sys.argv[1], run_name="__main__")
