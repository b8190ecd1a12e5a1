"""Old messages are deleted while people write: nothing that is new is lost or doubled."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import insert

from chat.accounts import account_named
from chat.conversations import direct_key
from chat.models import Conversation, Member, Message
from chat.retention import forget_old_messages
from chat.times import now
from tests.bridge.test_faults import converse_through, until
from tests.conversing import pairs_of_talkers
from tests.running import Installation

OLD = 3_000


def fill_with_old(installation: Installation, one: str, other: str) -> None:
    """What the one wrote to the other long ago."""
    with installation.database.writing() as session:
        ids = []
        for name in (one, other):
            account = account_named(session, name)
            assert account is not None
            assert account.id is not None
            ids.append(account.id)
        conversation = Conversation(key=direct_key(*ids), last_seq=OLD)
        session.add(conversation)
        session.flush()
        session.add_all(Member(conversation_id=conversation.id, account_id=id) for id in ids)
        session.flush()
        session.execute(
            insert(Message),
            [
                {
                    "conversation_id": conversation.id,
                    "seq": seq,
                    "sender_id": ids[0],
                    "client_id": f"old {seq}",
                    "kind": "text",
                    "body": "long ago",
                    "stored_at": now() - timedelta(days=9),
                }
                for seq in range(1, OLD + 1)
            ],
        )


@pytest.mark.both_databases
def test_nothing_new_is_lost_or_doubled_while_what_is_old_goes(installation: Installation) -> None:
    talkers = pairs_of_talkers(installation, 2, 300, pace_seconds=0.002)
    for one, other in ((0, 1), (2, 3)):
        fill_with_old(installation, talkers[one].account, talkers[other].account)
    installation.start("broker", "bridge")
    forgotten = []

    async def forget(progress: Callable[[], float]) -> None:
        await until(progress, 0.1)
        work = forget_old_messages, installation.database
        forgotten.append(await asyncio.to_thread(*work, keep_days=7, now=now()))

    converse_through(installation, talkers, forget)

    assert forgotten == [2 * OLD]
    rows = installation.rows(
        "SELECT conversation_id, seq, body FROM message ORDER BY conversation_id, seq"
    )
    archived = [
        {seq: body for conversation, seq, body in rows if conversation == each}
        for each in sorted({str(row[0]): row[0] for row in rows}.values(), key=str)
    ]
    for talker in talkers:
        [own] = [each for each in archived if set(talker.texts) <= set(each.values())]
        assert list(own) == list(range(OLD + 1, OLD + 601))
        assert len(set(own.values())) == 600
        shown = {seq: each["text"] for seq, each in talker.shown.items() if seq > OLD}
        assert shown == own
