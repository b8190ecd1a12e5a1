"""The kinds of field of the public contract: strings and numbers, and what a schema says of them.

What is said here by `extra_json_schema` is for readers alone and checked nowhere: we write these
fields ourselves, or another place judges them and has a sentence for what is wrong.
"""

from typing import Annotated, Any

from msgspec import Meta

# The largest whole number that every JSON reader keeps exact (RFC 8259, section 6).
LARGEST_SEQ = 2**53 - 1
# For so many days, messages can be kept at most, unless it is for ever.
MOST_DAYS = 99_999


def shown_as(description: str = "", **schema: Any) -> Meta:
    """What a schema says of a field, unchecked."""
    return Meta(description=description or None, extra_json_schema=schema)


AccountName = Annotated[str, shown_as(pattern=r"^[a-z0-9][a-z0-9_-]{1,31}$", examples=["bob"])]
Time = Annotated[str, shown_as(format="date-time", examples=["2026-11-23T20:37:15.123Z"])]
Number = Annotated[int, shown_as(minimum=1, maximum=LARGEST_SEQ)]
Cursor = Annotated[int, shown_as(minimum=0, maximum=LARGEST_SEQ)]
LoginDigest = Annotated[
    str,
    shown_as("A digest of the login's id, which is its browser's secret.", pattern=r"^[\w-]{43}$"),
]
DeviceId = Annotated[str, shown_as(pattern=r"^[a-z0-9]{1,16}$", examples=["k3v9x2abcdef"])]
Days = Annotated[int, shown_as(minimum=1, maximum=MOST_DAYS, examples=[30])]
