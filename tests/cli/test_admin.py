"""`./katydid admin`: what the pages of admins do, from the command line; the audit has it too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import update

from chat.models import Account
from chat.reports import report
from chat.settings import REPOSITORY
from chat.times import now
from tests.conftest import needs
from tests.mqtt import Client
from tests.people import add_accounts, add_conversation
from tests.running import Installation, wait_until


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Alice has reported what Bob wrote to her."""
    installation = Installation(tmp_path)
    alice, bob = add_accounts(installation.database, "alice", "bob")
    add_conversation(installation.database, bob, alice, "you fool\x1b[2J")
    with installation.database.writing() as session:
        session.exec(update(Account).values(password_hash="a password"))
        report(session, alice, "bob", [1], "rude", now())
    yield installation
    installation.stop_all()


def run(installation: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "admin", *words],
        cwd=REPOSITORY,
        env=os.environ | installation.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def said(installation: Installation, *words: str) -> str:
    """What it prints for a program to take."""
    done = run(installation, *words)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_accounts_are_looked_after(installation: Installation) -> None:
    said(installation, "grant", "alice")
    assert said(installation, "accounts").splitlines() == ["alice\talice\tadmin", "bob\tbob"]
    assert "/reset?link=" in said(installation, "reset", "bob")
    said(installation, "delete", "bob", "--messages", "erase")
    said(installation, "revoke", "alice")

    lines = said(installation, "audit").splitlines()

    assert [line.split("\t")[1:] for line in lines] == [
        ["command line", "alice: admin no more"],
        ["command line", "bob: deleted (messages erased)"],
        ["command line", "bob: reset link made"],
        ["command line", "alice: admin made"],
    ]
    assert installation.rows("SELECT body FROM message") == [("",)]


def test_reports_are_read_and_closed(installation: Installation) -> None:
    assert "bob by alice\trude" in said(installation, "reports")
    assert "you fool [2J" in said(installation, "report", "1")

    said(installation, "close", "1")

    assert said(installation, "reports") == ""


def test_disabling_cuts_off_what_is_connected(installation: Installation) -> None:
    needs("mosquitto")
    installation.start("broker")
    client = Client(installation.settings, installation.new_device("bob")).connect()

    said(installation, "disable", "bob")

    wait_until("the device to be cut off", lambda: client.disconnect_reason is not None)
    assert said(installation, "accounts", "b") == "bob\tbob\tdisabled\n"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("disable", "zed"), 1, "There is no account named zed."),
        (("close", "7"), 1, "There is no open report 7."),
        (("close", "x"), 2, "invalid int value"),
        (("dance",), 2, "invalid choice"),
        ((), 2, "required"),
    ],
)
def test_it_says_what_is_wrong(
    installation: Installation, words: tuple[str, ...], status: int, says: str
) -> None:
    done = run(installation, *words)

    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
