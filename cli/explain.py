"""`./katydid explain WHAT`: what happened to a message, or goes on in a conversation, and when; and
why it did not, if not.

WHAT is `alice/bob`, a conversation's number, either with `/seq`, or the id that a sender gave.
Everything is read from SQL (`chat/stories.py`), so it does not matter what runs. What people wrote
is told only with `--text`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.errors import KatydidError
from chat.models import LeaseTerm, Message
from chat.references import referred_to
from chat.settings import settings_from
from chat.stories import MemberStory, MessageStory, Story, story_of
from chat.times import rfc3339
from chat.topics import shard_digit, shard_of
from cli.migrate import DatabaseFails
from cli.terminal import visible

_DONE = {"edit": "edited", "unsend": "unsent", "reaction": "reacted to"}


class NothingAskedFor(KatydidError):
    """The command was given words that it does not take."""


@dataclass(frozen=True)
class Line:
    """Something that happened, `at` a time that is known, or is so now."""

    says: str
    at: datetime | None = None


def explain(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0. Raises NothingCalledSo and UnknownAccount."""
    options = {word for word in arguments if word in ("--text", "--json")}
    words = [word for word in arguments if word not in options]
    if len(words) != 1 or words[0].startswith("--"):
        raise NothingAskedFor(
            "Say what to explain: ./katydid explain alice/bob, alice/bob/17, a conversation's"
            " number, or a message's id [--text] [--json]."
        )
    os.umask(0o077)
    settings = settings_from(environ)
    database = Database(settings.database_url)
    try:
        if not database.is_migrated():
            problem = "has not the tables of this version; ./katydid up or migrate makes them"
            raise NothingAskedFor(f"The database {database.shown_url} {problem}.")
        with database.searching() as session:
            stories = [story_of(session, each) for each in referred_to(session, words[0])]
            told = [_told(story, with_text="--text" in options) for story in stories]
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()
    print(_as_json(told) if "--json" in options else _as_text(told), flush=True)
    return 0


def _as_text(told: list[tuple[str, list[Line]]]) -> str:
    blocks = []
    for title, lines in told:
        described = (f"  {_stamp(line) or '':24}  {visible(line.says)}" for line in lines)
        blocks.append("\n".join([visible(title), *described]))
    return "\n\n".join(blocks)


def _as_json(told: list[tuple[str, list[Line]]]) -> str:
    described = [
        {
            "about": title,
            "lines": [{"at": _stamp(line), "says": line.says} for line in lines],
        }
        for title, lines in told
    ]
    return json.dumps(described, indent=2)


def _stamp(line: Line) -> str | None:
    return None if line.at is None else rfc3339(line.at)


def _told(story: Story, *, with_text: bool) -> tuple[str, list[Line]]:
    """A title and what is to be said, in the order in which it happened."""
    names = " and ".join(member.name for member in story.members)
    if story.message is not None:
        message = story.message.message
        place = f"conversation {message.conversation_id} of {names}"
        title = f"Message {message.seq} of {place}, with the id {message.client_id}"
        return title, list(_of_message(story, story.message, with_text=with_text))
    conversation = story.reference.conversation
    if conversation is None:
        return f"{names} have no conversation", [
            Line("Nothing that one wrote to the other was ever archived."),
            *_why_not(story),
        ]
    title = f"Conversation {conversation.id} of {names}"
    lines = [*_of_conversation(story), *_why_not(story)]
    if story.reference.seq is not None:
        return title, [Line(_missing(story, story.reference.seq)), *lines]
    return title, lines


def _missing(story: Story, seq: int) -> str:
    if 0 < seq < (story.first_seq or _last(story) + 1):
        return f"Message {seq} is not kept any more: it was deleted by its age."
    return f"There is no message {seq}; the newest is {_last(story)}."


# A message.


def _of_message(story: Story, told: MessageStory, *, with_text: bool) -> Iterator[Line]:
    message = told.message
    yield _sent(told)
    yield Line(f"received by {_bridge(told.term)}", message.stored_at)
    yield Line(f"archived: {_what(message, with_text=with_text)}", message.stored_at)
    names = " and ".join(member.name for member in story.members)
    yield Line(
        f"delivered from then on to the devices of {names} that were connected, or have a"
        " session at the broker"
    )
    for member in story.members:
        yield from _for_member(member, told)
    for change, name in told.changes:
        done = f"{_DONE.get(change.kind, change.kind)} by {name}, with message {change.seq}"
        yield Line(f"{done}{_quoted(change, with_text=with_text)}", change.stored_at)
    if not told.is_searched and message.kind == "text":
        yield Line(
            "not in the index of texts yet; search looks at the newest 2,000 of those anyway"
        )


def _sent(told: MessageStory) -> Line:
    shard = f"to shard {shard_digit(_shard(told))}"
    if told.message.sent_at is None:
        return Line(f"sent by {told.sender} {shard}; its clock did not say when")
    return Line(f"sent by {told.sender} {shard}, as its clock says", told.message.sent_at)


def _for_member(member: MemberStory, told: MessageStory) -> Iterator[Line]:
    """How far it came with one of the two, and why no further."""
    seq, name = told.message.seq, member.name
    if member.refused is not None:
        refused = f"the broker refused {name}'s copy, with reason code {member.refused.reason:#x}"
        yield Line(f"{refused}: {name} fetches it when it sees the gap", member.refused.refused_at)
    if name == told.sender:
        return
    if member.read_seq >= seq:
        yield Line(f"{name} has received and read it (its cursors: {_cursors(member)})")
        return
    if member.delivered_seq >= seq:
        yield Line(f"{name} has received it, and not read it yet (its cursors: {_cursors(member)})")
    else:
        yield Line(f"{name} has not said that it received it (its cursors: {_cursors(member)})")
        yield from (Line(f"  perhaps because {why}") for why in _why_not_heard(member))
    yield Line(_notified(member, seq))


def _notified(member: MemberStory, seq: int) -> str:
    if not member.push_subscriptions:
        return f"no notification: no browser of {member.name} has asked for any"
    noted = member.notification
    if noted is None or (noted.due_at is None and noted.told_seq < seq):
        return f"no notification is due to {member.name}"
    if noted.told_seq >= seq:
        return f"{member.name} was notified, of all up to message {noted.told_seq}"
    assert noted.due_at is not None
    failed = f"; {noted.failures} tries failed" if noted.failures else ""
    return f"a notification to {member.name} is due since {rfc3339(noted.due_at)}{failed}"


def _what(message: Message, *, with_text: bool) -> str:
    if message.kind != "text":
        return (
            f"{message.kind} of message {message.target_seq}{_quoted(message, with_text=with_text)}"
        )
    if not message.body:
        return "a text that was unsent, or erased with its account; nothing is left of it"
    size = f"a text of {len(message.body)} characters"
    answers = f", in reply to {message.reply_to_seq}" if message.reply_to_seq else ""
    return f"{size}{answers}{_quoted(message, with_text=with_text)}"


def _quoted(message: Message, *, with_text: bool) -> str:
    return f": {json.dumps(message.body, ensure_ascii=False)}" if with_text and message.body else ""


# A conversation.


def _of_conversation(story: Story) -> Iterator[Line]:
    first, last = story.first_seq, _last(story)
    if first is None:
        yield Line(
            f"of its {last} messages, none is kept any more" if last else "it has no messages"
        )
        return
    if first > 1:
        yield Line(f"older messages, 1 to {first - 1}, were deleted by their age")
    which = "oldest that is kept" if first > 1 else "first message"
    yield Line(f"the {which} was archived", story.first_at)
    yield Line(f"the newest, {last}, was archived", story.last_at)
    if story.archived == last - first + 1:
        yield Line(f"its numbers are whole: {story.archived} messages, {first} to {last}")
    else:
        yield Line(
            f"its numbers are not whole: {story.archived} messages, but the newest is {last}"
        )
    for member in story.members:
        yield Line(
            f"{member.name} has received up to {member.delivered_seq}, read up to"
            f" {member.read_seq}, and has {_devices(member)}; {_presence(member)}"
        )
    if story.not_searched:
        yield Line(f"{story.not_searched} of its messages are not in the index of texts yet")


def _last(story: Story) -> int:
    conversation = story.reference.conversation
    return 0 if conversation is None else conversation.last_seq


def _why_not(story: Story) -> Iterator[Line]:
    """What keeps either from reaching the other now."""
    first, second = story.members
    for sender, recipient in ((first, second), (second, first)):
        for why in _why_not_archived(sender, recipient):
            yield Line(f"what {sender.name} writes to {recipient.name} {why}")


def _why_not_archived(sender: MemberStory, recipient: MemberStory) -> Iterator[str]:
    for member in (sender, recipient):
        if member.deleted_at is not None:
            since = f"since {rfc3339(member.deleted_at)}"
            yield f"is refused: {member.name} was deleted, and is nobody {since}"
    if sender.deleted_at is not None:
        return
    for thing, other in ((sender, recipient), (recipient, sender)):
        if (owner := thing.kept_apart_by) is not None:
            yield f"is refused: {thing.name} is a thing of {owner}, who does not allow {other.name}"
    if recipient.has_blocked_at is not None:
        since = rfc3339(recipient.has_blocked_at)
        yield f"is refused: {recipient.name} has blocked {sender.name} since {since}"
    if not sender.is_served:
        shard = shard_digit(sender.shard)
        yield f"waits at the broker: no bridge serves shard {shard} now ({_last_holder(sender)})"
    if not sender.devices:
        yield f"does not get into the broker: {sender.name} has no device"


def _why_not_heard(member: MemberStory) -> Iterator[str]:
    if member.deleted_at is not None:
        yield f"{member.name} was deleted at {rfc3339(member.deleted_at)}"
    elif not member.devices:
        yield f"{member.name} has no device"
    elif not member.online:
        yield f"{member.name} is {_presence(member)}"
    else:
        yield f"{member.name} is online with a client that says nothing of what it receives"
    if not member.is_served:
        shard = shard_digit(member.shard)
        yield (
            f"no bridge serves shard {shard} now, where {member.name} would say so"
            f" ({_last_holder(member)})"
        )


# Words for parts.


def _shard(told: MessageStory) -> int:
    return shard_of(told.sender)


def _bridge(term: LeaseTerm | None) -> str:
    if term is None:
        return "a bridge that nothing is known of: leases were not kept yet"
    until = "" if term.ended_at is None else f" to {rfc3339(term.ended_at)}"
    held = f"lease {term.number} of shard {shard_digit(term.shard)}"
    return f"the bridge {term.worker}, which held {held} from {rfc3339(term.began_at)}{until}"


def _last_holder(member: MemberStory) -> str:
    term = member.last_term
    if term is None:
        return "none ever did"
    ended = f"until {rfc3339(term.ended_at)}" if term.ended_at else "and has not given it back"
    return f"the last was {term.worker}, {ended}"


def _cursors(member: MemberStory) -> str:
    return f"delivered {member.delivered_seq}, read {member.read_seq}"


def _devices(member: MemberStory) -> str:
    return f"{member.devices or 'no'} device{'' if member.devices == 1 else 's'}"


def _presence(member: MemberStory) -> str:
    if member.online:
        return "online"
    if member.last_seen_at is None:
        return "not online, and never was"
    return f"not online since {rfc3339(member.last_seen_at)}"
