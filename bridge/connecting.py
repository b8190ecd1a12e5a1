"""Opening a shard's session, at the broker or behind its closed doors.

`serving.py` opens one for each shard that it serves; the broker's start makes all of them before
anybody else can come in.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from bridge.session import ANSWER_WITHIN_SECONDS, Incoming, Refusal, Session, SessionLost
from chat.errors import SecretMissing
from chat.secrets import BRIDGE_PASSWORD, passwords_in
from chat.settings import Settings
from chat.shards import Lease
from chat.topics import SHARDS


async def connect(
    settings: Settings,
    lease: Lease,
    *,
    receive: Callable[[Incoming], None],
    refused: Callable[[Refusal], None] = lambda _: None,
    socket_path: Path | None = None,
) -> Session:
    """Open the leased shard's session at the broker, or at its private socket, with the password
    as it is now. Raises SessionLost."""
    loop = asyncio.get_running_loop()
    session = Session(lease.shard, lease_number=lease.number, receive=receive, refused=refused)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            if socket_path is not None:
                await loop.create_unix_connection(lambda: session, str(socket_path))
            else:
                await loop.create_connection(
                    lambda: session, settings.broker_host, settings.mqtt_port
                )
    except (OSError, TimeoutError) as error:
        raise SessionLost(f"the broker cannot be reached: {error or 'no answer'}") from None
    try:
        password, *_ = passwords_in(settings.secrets_dir, BRIDGE_PASSWORD)
    except SecretMissing as error:
        why = SessionLost(str(error))
        session.close(why)
        raise why from None
    await session.open(password)
    return session


def create_sessions(settings: Settings, socket_path: Path) -> None:
    """Make all shards' sessions at a broker whose doors are closed, so that it keeps what arrives
    from its first moment on, whether or not a bridge runs. Raises SessionLost."""

    async def create_all() -> None:
        for shard in range(SHARDS):
            session = await connect(
                settings,
                Lease(shard, number=0, unserved_seconds=None),  # nobody else is here yet
                receive=lambda _: None,
                socket_path=socket_path,
            )
            session.close()
            with contextlib.suppress(SessionLost):
                await session.lost

    asyncio.run(create_all())
