"""`./katydid backup` and `restore`: all comes back as it was at one moment, or nothing changes."""

import asyncio
import gzip
import io
import json
import os
import random
import signal
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bench.chaos.disk import NoDisk, small_disk
from chat.database import Database
from chat.errors import KatydidError
from chat.search_file import search_file_of
from chat.topics import down_filter, up
from cli.restore import restore
from cli.transfer import Row, rows_of, sum_of, tables
from mqtt_acl.issuer import Credentials
from tests import databases
from tests.archives import fill
from tests.cli.starting import KATYDID, run_katydid
from tests.conftest import cannot_run, needs
from tests.conversing import assert_nothing_lost_or_doubled, pairs_of_talkers
from tests.mqtt import Client
from tests.people import add_accounts, add_conversation
from tests.running import Installation, wait_until

SECRETS = ("server_key", "admin_password", "bridge_password")


def rows(database: Database) -> dict[str, list[Row]]:
    """Table → all of its rows."""
    with database.transaction() as connection:
        return {table.name: list(rows_of(connection, table)) for table in tables()}


def secrets(home: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (home / "secrets").iterdir()}


def make_backup(installation: Installation, file: Path) -> None:
    answer = run_katydid(installation.environ, "backup", str(file))
    assert answer.returncode == 0, answer.stderr


class Place:
    """Where nothing is: an empty home, and a database of the dialect without a table."""

    def __init__(self, folder: Path, dialect: str) -> None:
        folder.mkdir()
        self.home = folder / "home"
        self.url = f"sqlite:///{self.home}/archive.db"
        if dialect == "postgresql":
            self.url = databases.empty(dialect, folder)
        self.environ = {"KATYDID_HOME": str(self.home), "KATYDID_DATABASE_URL": self.url}

    def put_back(self, file: Path) -> None:
        assert restore(self.environ, [str(file)]) == 0

    def rows(self) -> dict[str, list[Row]]:
        database = Database(self.url)
        try:
            return rows(database)
        finally:
            database.close()

    def is_empty(self) -> bool:
        """Whether nothing of a backup is here."""
        has_secrets = (self.home / "secrets").exists() and secrets(self.home) != {}
        return not has_secrets and not (self.home / "archive.db").exists()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place", "sqlite")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with something in every table, which does not run."""
    installation = Installation(tmp_path_factory.mktemp("kept"))
    with installation.database.writing() as session:
        fill(session)
    yield installation
    installation.stop_all()


@pytest.fixture(scope="module")
def backup(kept: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    file = tmp_path_factory.mktemp("backups") / "katydid.backup"
    make_backup(kept, file)
    return file


@pytest.mark.both_databases
@pytest.mark.parametrize("into", databases.DIALECTS)
def test_everything_comes_back_as_it_was_into_either_database(
    tmp_path: Path, dialect: str, into: str
) -> None:
    needs("initdb")
    before = Installation(tmp_path, dialect=dialect)
    with before.database.writing() as session:
        fill(session)
    file = tmp_path / "a.backup"
    place = Place(tmp_path / "place", into)

    make_backup(before, file)
    place.put_back(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert place.rows() == rows(before.database)
    assert secrets(place.home) == secrets(before.settings.home)
    assert {path.stat().st_mode & 0o777 for path in (place.home / "secrets").iterdir()} == {0o600}
    before.stop_all()


@pytest.mark.both_databases
def test_a_backup_made_while_people_chat_is_one_state_and_their_devices_go_on_with_it(
    installation: Installation, tmp_path: Path, dialect: str
) -> None:
    talkers = pairs_of_talkers(installation, 2, 100_000, window=5)
    devices = {talker.account: talker._device for talker in talkers}
    installation.start("broker", "bridge")
    file = tmp_path / "a.backup"

    async def talk() -> None:
        talking = [asyncio.create_task(talker.talk()) for talker in talkers]
        await asyncio.to_thread(wait_until_archived, installation, 200)
        await asyncio.to_thread(make_backup, installation, file)
        archived = number_of_messages(installation)
        await asyncio.to_thread(wait_until_archived, installation, archived + 200)
        for talker in talkers:
            talker.enough()
        await asyncio.gather(*talking)
        await asyncio.gather(*(talker.catch_up() for talker in talkers))

    asyncio.run(talk())
    installation.kill_all()

    assert_nothing_lost_or_doubled(installation, talkers)  # by the backup
    place = Place(tmp_path / "place", dialect)
    place.put_back(file)
    found, after = place.rows(), rows(installation.database)
    assert_one_state(found)
    assert 200 <= len(found["message"]) < len(after["message"])
    of_then = last_seqs(found)
    assert found["message"] == [row for row in after["message"] if row[1] <= of_then[row[0]]]
    for table in ("account", "device"):
        assert without_times(found[table]) == without_times(after[table])
    for account, peer in (("talker-0", "talker-1"), ("talker-3", "talker-2")):
        assert_goes_on(place, devices[account], account, peer)


def wait_until_archived(installation: Installation, messages: int) -> None:
    wait_until(
        f"{messages} messages", lambda: number_of_messages(installation) >= messages, seconds=60
    )


def number_of_messages(installation: Installation) -> int:
    [(number,)] = installation.rows("SELECT count(*) FROM message")
    return int(str(number))


def last_seqs(found: dict[str, list[Row]]) -> dict[int, int]:
    return {id: last_seq for id, _, _, last_seq in found["conversation"]}


def assert_one_state(found: dict[str, list[Row]]) -> None:
    """What one table says of another is so."""
    seqs: dict[int, list[int]] = {}
    for conversation, seq, *_ in found["message"]:
        seqs.setdefault(conversation, []).append(seq)
    assert {id: seqs[-1] for id, seqs in seqs.items()} == last_seqs(found)
    assert all(each == list(range(1, len(each) + 1)) for each in seqs.values())


def without_times(found: list[Row]) -> list[Row]:
    """The rows without what moves when somebody comes or goes."""
    return [tuple(value for value in row if not isinstance(value, int)) for row in found]


def assert_goes_on(place: Place, device: Credentials, account: str, peer: str) -> None:
    """With the credential that it had, and with the next number."""
    [row] = [row for row in place.rows()["account"] if row[1] == account]
    own = [each for each in place.rows()["member"] if each[1] == row[0]]
    last_seq = last_seqs(place.rows())[own[0][0]]
    again = Installation(place.home, KATYDID_DATABASE_URL=place.url)
    again.start("broker", "bridge")
    try:
        with Client(again.settings, device) as client:
            client.subscribe(down_filter(account))
            client.publish(up(account, peer, "send"), {"id": "after", "text": "as before"})
            assert client.wait_for("message")["seq"] == last_seq + 1
    finally:
        again.kill_all()
        again.database.close()


def test_what_searches_is_made_anew(kept: Installation, backup: Path, place: Place) -> None:
    place.home.mkdir()
    search_file_of(place.home / "archive.db").write_bytes(b"an index of another archive")

    place.put_back(backup)

    database = Database(place.url)
    with database.searching() as session:
        assert session.connection().execute(text("SELECT 1 FROM search_text")).first() is None
    database.close()


def test_it_goes_to_standard_output_too(kept: Installation, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    with file.open("wb") as output:
        answer = subprocess.run(
            [KATYDID, "backup", "-"], env=environ_of(kept), stdout=output, timeout=60
        )

    assert answer.returncode == 0
    place.put_back(file)
    assert place.rows() == rows(kept.database)


def test_who_was_interrupted_begins_again(kept: Installation, backup: Path, place: Place) -> None:
    """After a kill, the secrets may be there, and the tables, empty."""
    (place.home / "secrets").mkdir(parents=True)
    (place.home / "secrets" / "server_key").write_bytes(secrets(kept.settings.home)["server_key"])
    database = Database(place.url)
    database.migrate()
    database.close()

    place.put_back(backup)

    assert place.rows() == rows(kept.database)


# What is refused, and changes nothing.


def environ_of(installation: Installation) -> dict[str, str]:
    return os.environ | installation.environ


def assert_not_made(answer: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert answer.returncode == 1, answer.stderr
    assert answer.stderr.startswith("katydid: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert [word for word in words if word not in answer.stderr] == [], answer.stderr


def test_a_backup_replaces_nothing(kept: Installation, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    file.write_text("precious")

    assert_not_made(run_katydid(kept.environ, "backup", str(file)), str(file), "is there already")
    assert file.read_text() == "precious"


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--all"]])
def test_it_has_to_be_said_where_to(kept: Installation, words: list[str]) -> None:
    assert_not_made(run_katydid(kept.environ, "backup", *words), "./katydid backup FILE")


def test_where_there_is_nothing_to_keep_none_is_made(kept: Installation, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.db"
    without = kept.environ | {"KATYDID_DATABASE_URL": f"sqlite:///{nothing}"}
    file = tmp_path / "a.backup"

    assert_not_made(run_katydid(without, "backup", str(file)), f"no archive {nothing}")
    elsewhere = kept.environ | {"KATYDID_HOME": str(tmp_path / "elsewhere")}
    assert_not_made(run_katydid(elsewhere, "backup", str(file)), "server_key cannot be read")
    assert not file.exists()
    assert not nothing.exists()


@pytest.mark.both_databases
def test_a_full_disk_leaves_nothing_half(installation: Installation, tmp_path: Path) -> None:
    """It is noticed in the middle of a table."""
    alice, bob = add_accounts(installation.database, "alice", "bob")
    texts = (random.randbytes(2_000).hex() for _ in range(1_500))
    add_conversation(installation.database, alice, bob, *texts)
    try:
        with small_disk(tmp_path / "disk", megabytes=1) as disk:
            disk.fill()
            before = sorted(disk.folder.iterdir())
            file = disk.folder / "a.backup"

            answer = run_katydid(installation.environ, "backup", str(file))

            assert_not_made(answer, f"{file} cannot be written: no space left on device")
            assert sorted(disk.folder.iterdir()) == before
    except NoDisk as error:
        cannot_run(str(error))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_who_is_told_to_end_leaves_nothing_half(
    tmp_path: Path, dialect: str, number: signal.Signals
) -> None:
    installation = Installation(tmp_path, dialect=dialect)
    folder = tmp_path / "backups"
    folder.mkdir()
    with installation.database.transaction() as connection:
        connection.execute(text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))
        underway = subprocess.Popen(
            [KATYDID, "backup", str(folder / "a.backup")], env=environ_of(installation)
        )
        wait_until("half of it to be there", lambda: list(folder.iterdir()))

        underway.send_signal(number)

        assert underway.wait(timeout=15) == -number
        assert list(folder.iterdir()) == []
    installation.stop_all()


def assert_refused(place: Place, file: Path, says: str) -> None:
    with pytest.raises(KatydidError, match=says) as refusal:
        place.put_back(file)
    assert str(refusal.value).count("\n") == 0


def test_a_file_that_was_cut_anywhere_is_refused(backup: Path, place: Place) -> None:
    whole = backup.read_bytes()
    cut = place.home.parent / "cut.backup"

    for length in (*range(0, 400, 40), *range(400, len(whole), len(whole) // 25), len(whole) - 1):
        cut.write_bytes(whole[:length])
        assert_refused(place, cut, "is damaged: |is no backup of Katydid")

    assert place.is_empty()


def test_a_file_in_which_a_bit_has_changed_is_refused(backup: Path, place: Place) -> None:
    whole = backup.read_bytes()
    changed = place.home.parent / "changed.backup"
    refused = 0

    for at in range(10, len(whole), len(whole) // 40):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        if not unpacks_to_the_same(changed, backup):
            assert_refused(place, changed, "is damaged: |is no backup of Katydid")
            refused += 1

    assert refused > 20
    assert place.is_empty()


def unpacks_to_the_same(file: Path, other: Path) -> bool:
    """As where what is repeated is taken from another place that says the same."""
    try:
        return gzip.decompress(file.read_bytes()) == gzip.decompress(other.read_bytes())
    except (OSError, EOFError, zlib.error):
        return False


Members = list[tuple[tarfile.TarInfo, bytes]]


def members_of(backup: Path) -> Members:
    with tarfile.open(backup) as tar:
        return [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]


def write(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for member, content in members:
            member.size = len(content) if member.type == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(content))
    return file


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, content


def with_manifest(members: Members, **changes: object) -> Members:
    (head, content), *others = members
    return [(head, json.dumps(json.loads(content) | changes).encode()), *others]


def with_row_changed(members: Members) -> Members:
    return [
        (head, content.replace(b"hello", b"hullo", 1) if "message" in head.name else content)
        for head, content in members
    ]


MADE_UP: dict[str, tuple[Callable[[Members], Members], str]] = {
    "with a text changed": (with_row_changed, "its table message is not what was written"),
    "with another secret": (
        lambda members: [members[0], (members[1][0], 44 * b"x"), *members[2:]],
        "its secrets are not those that were written",
    ),
    "without a table": (
        lambda members: [each for each in members if "/device/" not in each[0].name],
        "its table device is not what was written",
    ),
    "without an end": (lambda members: members[:-1], "it lacks sums.json"),
    "with more behind": (
        lambda members: [*members, member("more", b"x")],
        "something follows its end",
    ),
    "with a path that leads out": (
        lambda members: [members[0], member("../secrets/server_key", b"x"), *members[1:]],
        "it lacks secrets/server_key",
    ),
    "with a link": (
        lambda members: [
            members[0],
            member("secrets/server_key", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            *members[2:],
        ],
        "secrets/server_key is not as it was written",
    ),
    "with a member beyond all bounds": (
        lambda members: [members[0], member("secrets/server_key", bytes(9 << 20)), *members[2:]],
        "secrets/server_key is not as it was written",
    ),
    "with a row of another table": (
        lambda members: [
            (head, b"[1]\n" if "/account/" in head.name else content) for head, content in members
        ],
        "a row that is none of its table",
    ),
    "of a later format": (
        lambda members: with_manifest(members, format=2),
        "was made by a later version",
    ),
    "of other tables": (
        lambda members: with_manifest(members, tables="0001"),
        "has tables of version 0001",
    ),
    "of something else": (lambda members: with_manifest(members, katydid="export"), "is no backup"),
    "of other members": (lambda _: [member("hello.txt", b"hello")], "is no backup"),
}


@pytest.mark.parametrize("how", MADE_UP)
def test_a_file_that_somebody_made_up_is_refused(backup: Path, place: Place, how: str) -> None:
    change, says = MADE_UP[how]
    file = write(place.home.parent / "made-up.backup", change(members_of(backup)))

    assert_refused(place, file, says)

    assert place.is_empty()


def test_a_file_that_is_something_else_is_refused(place: Place) -> None:
    file = place.home.parent / "something"
    for content in (b"", b"hello", gzip.compress(b"hello"), gzip.compress(bytes(100_000))):
        file.write_bytes(content)
        assert_refused(place, file, "is no backup of Katydid")
    for words in ([], ["a", "b"], ["-"]):
        with pytest.raises(KatydidError, match="Say what to put back"):
            restore(place.environ, words)

    assert place.is_empty()


@pytest.mark.parametrize(
    "there", ["secrets/server_key", "secrets/of_others", "broker/mosquitto.db"]
)
def test_where_another_installation_is_nothing_is_put_back(
    backup: Path, place: Place, there: str
) -> None:
    file = place.home / there
    file.parent.mkdir(parents=True)
    file.write_text("another's")

    assert_refused(place, backup, f"{file} is there already")

    assert file.read_text() == "another's"
    assert not (place.home / "archive.db").exists()


@pytest.mark.both_databases
def test_a_database_that_somebody_uses_is_left_alone(
    installation: Installation, backup: Path, tmp_path: Path
) -> None:
    installation.register("dave")
    before = rows(installation.database)
    environ = installation.environ | {"KATYDID_HOME": str(tmp_path / "empty")}

    with pytest.raises(KatydidError, match="is not empty: its table account has rows"):
        restore(environ, [str(backup)])

    assert rows(installation.database) == before
    assert not (tmp_path / "empty" / "secrets").exists()


def test_the_sums_that_it_says_are_those_of_the_archive(kept: Installation, backup: Path) -> None:
    said = json.loads(members_of(backup)[-1][1])["tables"]

    with kept.database.transaction() as connection:
        for table in tables():
            found = sum_of(connection, table)
            assert said[table.name] == {"rows": found.rows, "checksum": found.checksum}
