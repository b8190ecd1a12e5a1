"""The field to write in: Enter sends what is in it, Ctrl+J begins another line, and what is pasted
keeps its lines. It is as high as its text, within limits."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea


class Writing(TextArea):
    """A text of several lines; `value` is the whole of it."""

    DEFAULT_CSS = """
    Writing { height: auto; max-height: 8; }
    """

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, highlight_cursor_line=False)

    @property
    def value(self) -> str:
        return self.text

    @value.setter
    def value(self, text: str) -> None:
        """With the cursor behind it."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def hint(self, words: str) -> None:
        """What stands there while nothing is written; no markup."""
        self.placeholder = Content(words)

    def render_line(self, y: int) -> Strip:
        """Textual 8.2.8 cannot fold a hint into no column at all, and would end."""
        return super().render_line(y) if self.content_size.width > 0 else Strip.blank(0)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self.text))
        elif event.key == "ctrl+j":
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)
