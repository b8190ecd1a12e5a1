"""A client of Katydid: chat over MQTT, with every message archived before it is delivered.

Knows the public protocol alone, and nothing of the server's code. A program begins with `Katydid`;
what it hears are the records, what goes wrong is one of the errors.
"""

from .chat import Katydid
from .errors import (
    AuthorityNotUsable,
    Closed,
    CodeNeeded,
    FolderInUse,
    FolderNotUsable,
    FolderOfAnother,
    KatydidError,
    LoginRefused,
    Malformed,
    NotLoggedIn,
    NotSent,
    Problem,
    Refused,
    Revoked,
    TakenOver,
    TooLong,
    UnknownRecipient,
    Unreachable,
)
from .records import (
    Conversation,
    DeviceLine,
    Event,
    Message,
    Offline,
    Online,
    Outgoing,
    Page,
    Presence,
    Receipt,
    Rejected,
    Typing,
)
from .timing import Timing

__all__ = [
    "AuthorityNotUsable",
    "Closed",
    "CodeNeeded",
    "Conversation",
    "DeviceLine",
    "Event",
    "FolderInUse",
    "FolderNotUsable",
    "FolderOfAnother",
    "Katydid",
    "KatydidError",
    "LoginRefused",
    "Malformed",
    "Message",
    "NotLoggedIn",
    "NotSent",
    "Offline",
    "Online",
    "Outgoing",
    "Page",
    "Presence",
    "Problem",
    "Receipt",
    "Refused",
    "Rejected",
    "Revoked",
    "TakenOver",
    "Timing",
    "TooLong",
    "Typing",
    "UnknownRecipient",
    "Unreachable",
]
