"""The bridge at work: messages from all sessions → batches → the archive → deliveries.

One batch is in the archive's thread while the next one gathers, so batches grow with the load and
are single messages without it. What the database does not take is tried again until it does; what
no retry can help is answered to its sender and stops nothing.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as TimeoutOfPool

from bridge import metrics
from bridge.archive import Archive, LeaseLost
from bridge.backoff import Backoff
from bridge.delivery import deliver, deliver_history, fitting, settle_if_answered
from bridge.intake import AskHistory, Change, Command, Refuse, Send, command_from, refuse
from bridge.rates import Rates
from bridge.refusals import Refusals
from bridge.session import Incoming, Session, SessionLost
from bridge.transaction import News
from bridge.waiting import Waiting
from chat.accounts import account_named
from chat.database import Database
from chat.engines import problem_of
from chat.messages import history
from chat.payloads import ErrorRecord, HistoryRecord, MessageRecord
from chat.settings import Settings
from chat.times import now

BATCH_COMMANDS = 500
# A message is followed by typing before it, and two receipts after it.
_SIGNALS_PER_MESSAGE = 5
# So much of an answer is in the price of its question.
_BYTES_PER_MESSAGE = 16_384
_FINISHED_WITHIN_SECONDS = 2.0
# The others are signals.
_COUNTED = (Send, Change, AskHistory)

log = structlog.get_logger()


class Worker:
    """Takes what the sessions receive, and settles each message when all is done that it asks."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._archive = Archive(database, strangers_per_hour=settings.strangers_per_hour)
        rate, burst = settings.rate_per_second, settings.rate_burst
        self._message_rates = Rates(rate_per_second=rate, burst=burst)
        self._signal_rates = Rates(
            rate_per_second=_SIGNALS_PER_MESSAGE * rate, burst=_SIGNALS_PER_MESSAGE * burst
        )
        self._waiting: Waiting[tuple[Incoming, Command]] = Waiting()
        self._arrived = asyncio.Event()
        self._batches_begun = self._batches_done = 0
        self._loop = asyncio.get_running_loop()
        # One writer: SQLite has one write lock, and a batch is all that waits. Readers beside it.
        self.writer = ThreadPoolExecutor(1, "archive")
        self._reader = ThreadPoolExecutor(2, "history")
        self.refusals = Refusals(database, self.writer)
        self._answers: set[asyncio.Task[None]] = set()

    def receive(self, incoming: Incoming) -> None:
        """Take in one message; called by the sessions, in their order."""
        command = command_from(
            incoming.topic,
            incoming.payload,
            repeated=incoming.duplicate,
            response_topic=incoming.response_topic,
            correlation_data=incoming.correlation_data,
        )
        # What the broker delivers again was counted the first time.
        if incoming.duplicate or self._is_within_rate(command):
            self._waiting.put(command.account, (incoming, command))
            self._arrived.set()
        else:
            metrics.REFUSED.labels("rate-limited").inc()
            deliver(incoming, _told_to_be_slower(command))

    def forgive(self, away_seconds: float) -> None:
        """Do not count what piled up in that time as sent too fast."""
        for rates in (self._message_rates, self._signal_rates):
            rates.forgive(away_seconds, self._loop.time())

    async def run(self) -> None:
        """Archive and deliver until cancelled."""
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not self._waiting:
                self._arrived.clear()
            if batch:
                self._batches_begun += 1
                metrics.WAITING.set(len(batch) + len(self._waiting))
                await self._handle(batch)
                metrics.WAITING.set(len(self._waiting))
                self._batches_done += 1

    async def finish(self, sessions: Collection[Session]) -> None:
        """Take nothing more from these sessions; what is being archived is still delivered and
        acknowledged, if that can be had in 2 s. Who serves them next gets the rest."""
        for session in sessions:
            session.stop_receiving()
        at_work = self._batches_begun
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINISHED_WITHIN_SECONDS):
                while self._batches_done < at_work or not all(each.is_idle for each in sessions):
                    await asyncio.sleep(0.005)

    def close(self) -> None:
        """Wait for the transaction at work, if there is one."""
        self.writer.shutdown()
        self._reader.shutdown()
        self._archive.close()

    def _is_within_rate(self, command: Command) -> bool:
        """Whether the account may ask for that now."""
        if command.account is None:
            return True
        rates = self._message_rates if isinstance(command, _COUNTED) else self._signal_rates
        return rates.allow(command.account, self._loop.time())

    def _take(self) -> list[tuple[Incoming, Command]]:
        """The next batch; what belongs to a connection that ended comes again by itself, to whoever
        serves the shard then."""
        return [
            (incoming, command)
            for incoming, command in self._waiting.take(BATCH_COMMANDS)
            if incoming.session.is_open and incoming.session.receives
        ]

    async def _handle(self, batch: list[tuple[Incoming, Command]]) -> None:
        try:
            all_news = await self._store(batch)
        except LeaseLost as lost:
            log.warning("a batch came too late", why=str(lost))
            if kept := _without(batch, lost):
                await self._handle(kept)
            return
        _count(all_news)
        for (incoming, command), news in zip(batch, all_news, strict=True):
            if not incoming.session.is_open:
                continue
            if isinstance(command, AskHistory) and news is None:
                self._answer_history(incoming, command)
            else:
                deliver(incoming, news)

    # The archive, with patience.

    async def _store(self, batch: list[tuple[Incoming, Command]]) -> list[News | None]:
        commands = [command for _, command in batch]
        leases = {(each.session.shard, each.session.lease_number) for each, _ in batch}
        backoff = Backoff()
        while True:
            started = self._loop.time()
            try:
                stored = await self._loop.run_in_executor(
                    self.writer, self._archive.store, commands, now(), leases
                )
            except LeaseLost:
                raise
            except Exception as error:
                # A mistake of ours in one command must not stop all the others for ever.
                if not _may_pass(error):
                    log.exception("a batch cannot be stored", commands=len(commands))
                    return await self._store_one_by_one(batch)
                metrics.DATABASE_RETRIES.inc()
                metrics.WAITING.set(len(self._waiting) + len(commands))
                log.warning("the database did not take a batch", error=problem_of(error))
                await asyncio.sleep(backoff.next_seconds())
                self.forgive(self._loop.time() - started)
            else:
                metrics.BATCH_COMMANDS.observe(len(commands))
                metrics.BATCH_SECONDS.observe(self._loop.time() - started)
                return stored

    async def _store_one_by_one(self, batch: list[tuple[Incoming, Command]]) -> list[News | None]:
        """Each in a transaction of its own, so that one that cannot be stored is found."""
        if len(batch) > 1:
            return [(await self._store([each]))[0] for each in batch]
        [(_, command)] = batch
        if isinstance(command, Refuse):
            return [None]
        to, id = getattr(command, "to", "-"), getattr(command, "id", None)
        detail = "This could not be stored; it is the server's mistake, and logged there."
        refusal = refuse(command.account, command.verb, to, "malformed", detail, id=id)
        return [News(refusal.error, (command.account,))]

    # History.

    def _answer_history(self, incoming: Incoming, asked: AskHistory) -> None:
        task = self._loop.create_task(self._read_and_answer(incoming, asked))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _read_and_answer(self, incoming: Incoming, asked: AskHistory) -> None:
        try:
            record = await self._loop.run_in_executor(self._reader, self._read, asked)
        except SQLAlchemyError as error:
            # A question can be asked again; its sender has a deadline of its own.
            log.warning("history could not be read", error=problem_of(error))
            settle_if_answered(incoming)
            return
        if incoming.session.is_open:
            size_bytes = deliver_history(incoming, asked, record)
            # A question of few bytes has an answer of many, which wait for who is away.
            more = size_bytes // _BYTES_PER_MESSAGE
            self._message_rates.charge(asked.account, more, self._loop.time())

    def _read(self, asked: AskHistory) -> HistoryRecord:
        request = asked.request
        with self._database.reading() as session:
            account = account_named(session, asked.account)
            assert account is not None  # the archive has just found it
            page = history(
                session,
                account=account,
                peer=asked.to,
                before=request.before,
                after=request.after,
                limit=request.limit,
            )
        record = HistoryRecord(request=request.request, messages=page.messages, more=page.more)
        return fitting(record, ascending=request.after is not None)


def _told_to_be_slower(command: Command) -> News | None:
    """The answer to what came too fast, at once: who floods must not fill the batches of others.
    Too many signals (receipts, typing, presence, and what is malformed) are not even answered: the
    answers would be the flood."""
    if not isinstance(command, _COUNTED):
        return None
    detail = "You are sending faster than this server allows; try again in a few seconds."
    refusal = refuse(
        command.account, command.verb, command.to, "rate-limited", detail, id=command.id
    )
    return News(refusal.error, (command.account,))


def _without(
    batch: list[tuple[Incoming, Command]], lost: LeaseLost
) -> list[tuple[Incoming, Command]]:
    """What is left of the batch; the sessions of the leases that have gone are closed."""
    kept = []
    for incoming, command in batch:
        session = incoming.session
        if (session.shard, session.lease_number) in lost.leases:
            session.close(SessionLost("its lease has gone to another"))
        else:
            kept.append((incoming, command))
    return kept


def _may_pass(error: Exception) -> bool:
    """Whether the same batch may well be taken later: a lock, a full disk, a lost connection. What
    the batch itself is to blame for fails each time."""
    to_blame = (DataError, IntegrityError, InterfaceError, ProgrammingError)
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or not isinstance(error, to_blame)
    return isinstance(error, TimeoutOfPool)


def _count(all_news: Iterable[News | None]) -> None:
    archived = repeated = 0
    for news in all_news:
        if news is None:
            continue
        if news.stored:
            archived += 1
        elif isinstance(news.record, MessageRecord):
            repeated += 1
        elif isinstance(news.record, ErrorRecord):
            metrics.REFUSED.labels(news.record.reason).inc()
    metrics.ARCHIVED.inc(archived)
    metrics.REPEATED.inc(repeated)
