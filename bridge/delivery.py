"""News → what is published to whom, at which topic and QoS; the answers to history too.

Every copy of one message is the same bytes, encoded once, and the same record that history shows.
"""

from bridge.intake import AskHistory
from bridge.session import Incoming
from bridge.transaction import News
from chat.payloads import KINDS, HistoryRecord, encode
from chat.topics import down

# With the longest correlation data (65,535 bytes) still below the broker's limit of 262,144.
_HISTORY_BYTES = 180_000


def deliver(incoming: Incoming, news: News | None) -> None:
    """Tell everyone concerned; the message is settled when the broker has answered for all."""
    while news is not None:
        kind, payload = KINDS[type(news.record)], encode(news.record)
        for account in news.to:
            incoming.session.publish(
                down(account, kind),
                payload,
                at_least_once=kind != "typing",
                because_of=incoming,
            )
        news = news.besides
    settle_if_answered(incoming)


def fitting(record: HistoryRecord, *, ascending: bool) -> HistoryRecord:
    """As many of the messages as go into one packet: the first ones when the question was for what
    comes after, else the last ones; then there is `more`."""
    wanted = record.messages if ascending else record.messages[::-1]
    taken, size_bytes = 0, 0
    for message in wanted:
        size_bytes += len(encode(message)) + 1
        if size_bytes > _HISTORY_BYTES:
            break
        taken += 1
    if taken == len(wanted):
        return record
    kept = wanted[:taken] if ascending else wanted[:taken][::-1]
    return HistoryRecord(request=record.request, messages=kept, more=True)


def deliver_history(incoming: Incoming, asked: AskHistory, record: HistoryRecord) -> int:
    """Answer where the question says, with its correlation data (MQTT 5.0, section 4.10); returns
    how many bytes the answer has."""
    payload = encode(record)
    incoming.session.publish(
        asked.response_topic or down(asked.account, "history"),
        payload,
        correlation_data=asked.correlation_data,
        because_of=incoming,
    )
    settle_if_answered(incoming)
    return len(payload)


def settle_if_answered(incoming: Incoming) -> None:
    """Acknowledge what nobody needs to be told of."""
    if incoming.unanswered == 0:
        incoming.session.settle(incoming)
