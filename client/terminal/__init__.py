"""The terminal chat, on Textual: `app.py` shows, `thread.py` knows what there is to show."""

from .app import Terminal

__all__ = ["Terminal"]
