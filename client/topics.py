"""The topics and payloads of the protocol, as far as a device needs them.

Built from what the server told this device, so that shard and version stand nowhere else. Pure.
"""

import json
import re
from typing import Any

from .errors import Malformed, TooLong, UnknownRecipient
from .records import Outgoing

TEXT_CHARACTERS = 4_000
_NOBODY = "-"
_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,31}")


def up(send_topic: str, to: str, verb: str) -> str:
    """Where to publish the verb, given the device's own `send_topic`."""
    return send_topic.replace("{to}", to).removesuffix("send") + verb


def presence(send_topic: str) -> str:
    """Where a connection says that it is there, and its Last Will that it is gone."""
    return up(send_topic, _NOBODY, "presence")


def kind_of(topic: str) -> str:
    """What came down: message, receipt, typing, presence, history or error."""
    return topic.rpartition("/")[2]


def announcement(*, online: bool, connection: str) -> bytes:
    return _json({"online": online, "connection": connection})


def cursor(seq: int) -> bytes:
    """The payload of `delivered` and `read`."""
    return _json({"seq": seq})


def payload_of(outgoing: Outgoing) -> bytes:
    """What goes up for it; the same each time that it is sent."""
    content: dict[str, Any] = {"id": outgoing.id, "sent_at": outgoing.written_at}
    if outgoing.verb == "react":
        content["reaction"] = outgoing.text
    elif outgoing.verb != "unsend":
        content["text"] = outgoing.text
    if outgoing.target is not None:
        content["seq"] = outgoing.target
    if outgoing.reply_to is not None:
        content["reply_to"] = outgoing.reply_to
    return _json(content)


def is_account_name(name: str) -> bool:
    """Whether an account can be called so."""
    return _ACCOUNT_NAME.fullmatch(name) is not None


def check_recipient(name: str) -> None:
    """No account can have another name, and a topic could be anybody's. Raises UnknownRecipient."""
    if not is_account_name(name):
        raise UnknownRecipient(name, f"There is no account {name!r}.")


def check_text(to: str, text: str) -> None:
    """What a server could not even answer never leaves the house. Raises Malformed and TooLong."""
    if not text.strip():
        raise Malformed(to, "The text is empty.")
    if len(text) > TEXT_CHARACTERS:
        detail = f"The text has {len(text)} characters; at most {TEXT_CHARACTERS} are allowed."
        raise TooLong(to, detail)
    check_characters(to, text)


def check_characters(to: str, text: str) -> None:
    """Raises Malformed for what no server could read."""
    if not is_text(text):
        raise Malformed(to, "The text contains NUL or half a character.")


def is_text(text: str) -> bool:
    """Whether a server could read it: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
