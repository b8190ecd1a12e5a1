"""`python -m client`, as scripts use it."""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pytest

from chat.settings import REPOSITORY
from client.commands import main
from tests.authenticator import turned_on
from tests.client.serving import Serving
from tests.running import wait_until
from tests.web.visitor import PASSWORD


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    said: str
    wrong: str


class Shell:
    """Somebody at a shell, with a place of their own to keep things."""

    def __init__(self, serving: Serving, account: str) -> None:
        self.account = account
        self.folder = serving.home / f"shell-{account}"
        self._url = serving.url

    def log_in(self) -> Done:
        return self.run("login", self._url, self.account, typed=f"{PASSWORD}\n")

    def run(self, *words: str, typed: TextIO | str | None = "") -> Done:
        """In this process, which has loaded all that it needs already."""
        said, wrong = io.StringIO(), io.StringIO()
        with (
            redirect_stdout(said),
            redirect_stderr(wrong),
            pytest.MonkeyPatch.context() as typing,
        ):
            typing.delenv("KATYDID_PASSWORD", raising=False)
            stdin = io.StringIO(typed) if isinstance(typed, str) else typed
            typing.setattr("sys.stdin", stdin)
            status = main(["--folder", str(self.folder), *words])
        return Done(status, said.getvalue(), wrong.getvalue())

    def begins(
        self, *words: str, encoding: str = "utf-8", stdout: int = subprocess.PIPE, **more: Any
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "client", "--folder", str(self.folder), *words],
            cwd=REPOSITORY,
            env={name: value for name, value in os.environ.items() if name != "KATYDID_PASSWORD"}
            | {"PYTHONIOENCODING": encoding},
            stdout=stdout,
            encoding=encoding,
            **more,
        )

    def says(self, *words: str, typed: str = "") -> list[str]:
        done = self.run(*words, typed=typed)
        assert (done.status, done.wrong) == (0, "")
        return done.said.splitlines()


@pytest.fixture
def at_alice(serving: Serving, alice: str) -> Shell:
    shell = Shell(serving, alice)
    assert shell.log_in().status == 0
    return shell


def test_what_a_script_sends_another_hears(
    serving: Serving, at_alice: Shell, alice: str, bob: str
) -> None:
    at_bob = Shell(serving, bob)
    assert at_bob.log_in().wrong == f"{bob} is logged in at {serving.url}.\n"
    assert at_alice.says("send", bob, "first") == []  # before Bob's program listens at all

    assert at_alice.says("send", "--json", bob, "-", typed="two\nlines\n") != []

    history = [json.loads(line) for line in at_bob.says("history", alice, "--json")]
    assert [(each["seq"], each["text"]) for each in history] == [(1, "first"), (2, "two\nlines")]
    first, second = at_bob.says("history", alice, "--limit", "1")
    assert first.endswith(f"  {alice}: two")
    assert second == " " * first.index(alice) + "lines"


def test_an_account_with_a_second_factor_logs_in_by_a_code_once_for_all(
    serving: Serving, alice: str
) -> None:
    shell, app = Shell(serving, alice), turned_on(serving.installation.database, alice)

    def log_in(code: str) -> Done:
        return shell.run("login", "--code", serving.url, alice, typed=f"{PASSWORD}\n{code}\n")

    asked_for = f"katydid: {alice} has a second factor; give a code of it, which is good once.\n"
    refused = [shell.log_in(), log_in(app.wrong_code()), log_in(""), log_in("١٢٣٤٥٦"), log_in("\1")]
    assert [(done.status, done.wrong) for done in refused] == [(1, asked_for)] * 5
    assert log_in(app.code()).wrong == f"{alice} is logged in at {serving.url}.\n"
    assert len(shell.says("devices")) == 1


def test_listen_prints_each_text_once_and_goes_on_where_it_ended(
    serving: Serving, at_alice: Shell, bob: str
) -> None:
    at_bob = Shell(serving, bob)
    at_bob.log_in()
    with at_bob.begins("listen", "--json", "--count", "1") as listening:
        device = at_bob.folder / serving.url.split("/")[-1].replace(":", "_") / bob / "listen"
        wait_until("it to listen", (device / "device.json").exists)
        at_alice.says("send", bob, "one")
        heard, _ = listening.communicate(timeout=30)
    at_alice.says("send", bob, "two")

    more = at_bob.says("listen", "--count", "1")

    assert json.loads(heard)["text"] == "one"
    assert [line.partition("  ")[2] for line in more] == [f"{at_alice.account}: two"]


def test_devices_are_listed_and_cut_off(serving: Serving, at_alice: Shell, bob: str) -> None:
    [line] = at_alice.says("devices", "--json")
    device = json.loads(line)
    assert (device["kind"], device["current"]) == ("thing", True)

    at_alice.says("devices", "--revoke", device["device"])

    refused = at_alice.run("send", bob, "Can anybody hear me?")
    assert refused.status == 1
    assert "was removed from the account" in refused.wrong
    assert at_alice.log_in().status == 0
    history = at_alice.says("send", bob, "I am back") + at_alice.says("history", bob)
    assert [line.partition(": ")[2] for line in history] == ["Can anybody hear me?", "I am back"]


def test_what_cannot_be_done_is_one_sentence(serving: Serving, at_alice: Shell, bob: str) -> None:
    nobody, stranger = Shell(serving, bob), Shell(serving, "nobody-here")
    refusals = [
        (nobody.run("listen"), "Nobody is logged in here; begin with: login URL ACCOUNT."),
        (stranger.log_in(), "The account name nobody-here or its password is wrong."),
        (at_alice.run("send", "nobody-here", "Hello"), "There is no account 'nobody-here'."),
    ]

    for done, sentence in refusals:
        assert (done.status, done.said, done.wrong) == (1, "", f"katydid: {sentence}\n")


def test_what_others_write_does_nothing_to_the_terminal(
    serving: Serving, at_alice: Shell, alice: str, bob: str
) -> None:
    at_bob = Shell(serving, bob)
    at_bob.log_in()
    text = "\x1b]0;title\x07Grüße\x9b2J\r2026-11-25 18:00  carol: Pay him"
    at_alice.says("send", bob, text)

    [line] = at_bob.says("history", alice)
    [as_json] = at_bob.says("history", alice, "--json")

    assert line.endswith(f"  {alice}: �]0;title�Grüße�2J�2026-11-25 18:00  carol: Pay him")
    assert as_json.isascii()
    assert as_json.isprintable()
    assert json.loads(as_json)["text"] == text


def test_a_terminal_without_the_letters_gets_their_numbers(
    serving: Serving, at_alice: Shell, bob: str
) -> None:
    at_alice.says("send", bob, "Grüße")

    with at_alice.begins("history", bob, encoding="ascii") as asking:
        said, _ = asking.communicate(timeout=30)

    assert said.endswith(f"  {at_alice.account}: Gr\\xfc\\xdfe\n")


def test_ctrl_c_ends_the_asking_for_a_password(serving: Serving, bob: str) -> None:
    ours, its = os.openpty()
    shell = Shell(serving, bob)
    with shell.begins("login", serving.url, bob, stdin=its, stdout=its, stderr=its) as asking:
        os.close(its)
        said = b""
        while f"Password of {bob}: ".encode() not in said:
            said += os.read(ours, 1_000)

        asking.send_signal(signal.SIGINT)

        assert asking.wait(timeout=30) == 130
    os.close(ours)
    assert not shell.folder.exists()


def test_what_cannot_be_read_from_standard_input_is_one_sentence(
    serving: Serving, at_alice: Shell, bob: str
) -> None:
    begin = "katydid: Nothing can be read from standard input: "
    no_text = io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8")

    done = at_alice.run("send", bob, "-", typed=no_text)
    assert (done.status, done.wrong) == (1, f"{begin}it is no text in utf-8.\n")
    done = at_alice.run("send", bob, "-", typed=None)
    assert (done.status, done.wrong) == (1, f"{begin}there is none.\n")
    done = at_alice.run("login", serving.url, at_alice.account, typed="\udcff\n")
    assert (done.status, "or its password is wrong" in done.wrong) == (1, True)


def test_the_chat_wants_a_terminal(at_alice: Shell) -> None:
    done = at_alice.run()

    sentence = "The terminal chat needs a terminal; scripts give a command (--help)."
    assert (done.status, done.wrong) == (1, f"katydid: {sentence}\n")


@pytest.mark.parametrize("name", ["../elsewhere", "", "Alice", "a/b"])
def test_what_no_account_is_called_makes_no_folder(
    serving: Serving, tmp_path: Path, name: str
) -> None:
    shell = Shell(serving, name)
    shell.folder = tmp_path / "base"

    done = shell.log_in()

    assert done.wrong == f"katydid: The account name {name} or its password is wrong.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [["listen", "--count", "0"], ["send", "bob", "x", "--timeout", "-1"]],
)
def test_what_makes_no_sense_is_refused(at_alice: Shell, words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        at_alice.run(*words)


def test_what_is_kept_is_for_its_owner_alone(serving: Serving, at_alice: Shell) -> None:
    kept = [at_alice.folder, *at_alice.folder.rglob("*")]

    assert {path.name for path in kept} >= {"device.json", "outbox.db", "positions.db"}
    assert {oct(path.stat().st_mode & 0o077) for path in kept} == {"0o0"}
    assert not any(PASSWORD in path.read_text("latin-1") for path in kept if path.is_file())
