"""`python -m client`: one-shot commands for scripts, and without a command the terminal chat."""

from .commands import script

if __name__ == "__main__":
    raise SystemExit(script())
