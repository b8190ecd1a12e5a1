"""How conversations and messages look, as lines of styled text. What people write is never taken
for markup, and nothing in it for a command to the terminal.
"""

from rich.text import Text

from ..records import Message, Outgoing
from ..shown import shown
from .thread import Thread

# As wide as the time before a message.
_INDENT = 6
_STATES = {"archived": "✓", "delivered": "✓✓", "read": "✓✓"}


def conversation_line(thread: Thread) -> Text:
    """Who it is with, whether they are there, and how much is unread."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("● " if thread.online else "○ ", "green" if thread.online else "dim")
    line.append(shown(thread.display_name), "bold" if thread.unread else "")
    if thread.unread:
        line.append(f"  {thread.unread}", "bold yellow")
    return line


def message_line(thread: Thread, message: Message, account: str) -> Text:
    """Who said what and when, what it answers, how others reacted, and what has become of it."""
    line = Text()
    if message.reply_to is not None:
        answered = thread.text(message.reply_to)
        said = _shortened(answered.text) if answered else f"message {message.reply_to}"
        line.append(f"      ┌ {said}\n", "dim italic")
    line.append(f"{message.stored_at.astimezone():%H:%M} ", "dim")
    own = message.sender == account
    line.append(f"{shown(message.sender)}  ", "bold cyan" if own else "bold magenta")
    if message.unsent_at is not None:
        line.append("taken back", "dim italic")
    else:
        line.append(shown(message.text, indent=_INDENT))
    if message.edited_at is not None and message.unsent_at is None:
        line.append("  edited", "dim italic")
    for who, emoji in sorted(message.reactions.items()):
        line.append(shown(f"  {emoji} {who}"), "dim")
    if own and message.unsent_at is None:
        state = thread.state_of(message)
        line.append(f"  {_STATES[state]}", "green" if state == "read" else "dim")
    return line


def outgoing_line(outgoing: Outgoing, account: str) -> Text:
    """What is in the outbox."""
    line = Text()
    line.append("  …   ", "dim")
    line.append(f"{account}  ", "bold cyan")
    what = {"edit": "edit: ", "react": "reaction: ", "unsend": "take back"}.get(outgoing.verb, "")
    line.append(shown(f"{what}{outgoing.text}", indent=_INDENT), "dim")
    line.append("  sending", "yellow italic")
    return line


def _shortened(text: str) -> str:
    first = shown(text).split("\n", 1)[0]
    return first if len(first) <= 50 else f"{first[:49]}…"
