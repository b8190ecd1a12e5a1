"""What is measured side by side: Katydid on each database, and the limits beside it.

The installations are private, each in a home of its own, and end with the run. Works share those
that `Systems` starts when they are first asked for; a work that needs another state starts its own
with `katydid`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.archive import Archive
from bench.bare import Bare, bare_mosquitto
from bench.crowd import add_crowd, people_in
from bench.installation import Installation, copy, postgres
from bench.load import Pairs
from bench.people import Person
from bench.processes import cpu_seconds
from chat.database import Database
from chat.search_file import search_file_of
from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import REPOSITORY, Settings, settings_from
from cli.cluster.layout import chosen_ports, postgres_server
from cli.cluster.up import cluster_settings
from cli.supervision import python

SQLITE, POSTGRESQL, CLUSTER = "sqlite", "postgresql", "cluster"
MOSQUITTO = "mosquitto"
# Rows of the same table, inserted by nothing but a loop.
ROWS_SQLITE, ROWS_POSTGRESQL = "rows-sqlite", "rows-postgresql"

TITLES = {
    MOSQUITTO: "bare mosquitto",
    ROWS_SQLITE: "batched inserts, SQLite",
    ROWS_POSTGRESQL: "batched inserts, PostgreSQL",
    SQLITE: "Katydid, SQLite",
    POSTGRESQL: "Katydid, PostgreSQL",
    CLUSTER: "Katydid, cluster",
}
# What a cluster is told of its ports and its home, of all that is in the environment.
_OF_A_CLUSTER = (
    "KATYDID_HOME",
    "KATYDID_HTTP_PORT",
    "KATYDID_MQTT_PORT",
    "KATYDID_WEBSOCKET_PORT",
)


@dataclass(frozen=True)
class Katydid:
    """A running installation with people in it; `sql` is the database server's process, which with
    SQLite there is none of."""

    name: str
    installation: Installation
    database: Database
    people: Sequence[Person]
    sql: int | None = None

    def pairs(self, number: int) -> Pairs:
        """So many, who are the same each time."""
        return list(zip(self.people[::2], self.people[1::2], strict=False))[:number]

    def processes(self) -> Mapping[str, Sequence[int]]:
        """By kind, such as `bridge`."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for part, pid in self.installation.parts.items():
            found[part.partition("-")[0]].append(pid)
        if self.sql is not None:
            found["postgres"].append(self.sql)
        return found


@dataclass(frozen=True)
class BareSystem:
    """The bare broker, in the same words."""

    bare: Bare
    name: str = MOSQUITTO

    def pairs(self, number: int) -> Pairs:
        return self.bare.pairs(number)

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"broker": [self.bare.pid]}


System = Katydid | BareSystem


class Systems:
    """Those that a run shares. `databases` are the systems of Katydid that were asked for."""

    def __init__(self, databases: Sequence[str], *, people: int, ended: ExitStack) -> None:
        self.databases = databases
        self._people = people
        self._ended = ended
        self._running: dict[tuple[str, int], Katydid] = {}
        self._bare: BareSystem | None = None

    def named(self, name: str) -> System:
        """The bare mosquitto, or Katydid with people in it."""
        if name != MOSQUITTO:
            return self.crowded(name, self._people)
        if self._bare is None:
            self._bare = self._ended.enter_context(bare_system())
        return self._bare

    def crowded(self, name: str, people: int) -> Katydid:
        """Katydid with so many people; a cluster, of which there is one, with those that it has and
        as many more as that takes."""
        place = name, people if name != CLUSTER else max(people, self._people)
        if place not in self._running:
            self._running[place] = self._ended.enter_context(katydid(*place))
        return self._running[place]

    def katydids(self) -> list[Katydid]:
        """All that were asked for."""
        return [self.crowded(name, self._people) for name in self.databases]


@contextmanager
def bare_system() -> Iterator[BareSystem]:
    """A bare mosquitto. Raises BrokerNotReady."""
    with bare_mosquitto() as bare:
        yield BareSystem(bare)


@contextmanager
def katydid(
    name: str, people: int = 0, *, archive: Archive | None = None, has_bridge: bool = True
) -> Iterator[Katydid]:
    """An installation of that name, ready, with so many people, or with those of the archive.
    Without a bridge, it is for the caller to start one (`Installation.own_bridge`). A cluster
    begins without an archive, and with its bridges."""
    with ExitStack() as ended:
        if name == CLUSTER:
            yield _cluster(people, ended)
        else:
            yield _up(name, people, archive, has_bridge, ended)


def _up(
    name: str, people: int, archive: Archive | None, has_bridge: bool, ended: ExitStack
) -> Katydid:
    """The people are in SQL before the broker makes its list of accounts."""
    home = Path(ended.enter_context(TemporaryDirectory(prefix="katydid-bench-")))
    environ, sql = {}, None
    if name == POSTGRESQL:
        like = None if archive is None else archive.postgres_folder()
        environ["KATYDID_DATABASE_URL"], sql = ended.enter_context(postgres(like=like))
    elif archive is not None:
        file = archive.sqlite_file()
        for copied in (file, search_file_of(file)):
            copy(copied, home / copied.name)
    up = [str(REPOSITORY / "katydid"), "up"] if has_bridge else python("bench.without_bridge")
    installation = Installation(home, environ, command=up)
    ended.callback(installation.close)
    database = installation.database
    database.migrate()
    settings = settings_from(installation.environ)
    make_missing_secrets(settings)
    everyone = _crowd(database, settings, people)
    installation.start()
    if has_bridge:
        installation.wait_until_ready()
    else:
        installation.wait_until_open()
    return Katydid(name, installation, database, everyone, sql)


def _cluster(people: int, ended: ExitStack) -> Katydid:
    """A cluster has no list of accounts: they are made when it runs."""
    home = Path(ended.enter_context(TemporaryDirectory(prefix="katydid-bench-")))
    home.chmod(0o711)
    (home / "cluster").mkdir()
    (home / "cluster").chmod(0o711)  # so that PostgreSQL's user may go through
    words = [str(REPOSITORY / "katydid"), "cluster", "up"]
    installation = Installation(home, {}, command=words)
    ended.callback(installation.close)
    installation.start()
    installation.wait_until_ready()
    settings = cluster_settings({name: installation.environ[name] for name in _OF_A_CLUSTER})
    database = Database(postgres_server(settings, chosen_ports(settings)).url())
    ended.callback(database.close)
    return Katydid(CLUSTER, installation, database, _crowd(database, settings, people))


def _crowd(database: Database, settings: Settings, more: int) -> Sequence[Person]:
    """All who are in SQL, after so many more have been put there."""
    add_crowd(database, more)
    secrets = load_secrets(settings)
    return people_in(database, secrets, host="127.0.0.1", port=settings.mqtt_port)


def cpu(system: System) -> dict[str, float]:
    """Seconds of CPU that each kind of its processes has used."""
    return {kind: sum(map(cpu_seconds, pids)) for kind, pids in system.processes().items()}
