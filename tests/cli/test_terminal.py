"""What the person at the terminal is told, whatever is in it, whatever letters it has."""

import pytest

from cli.doctor.findings import Finding, tell
from cli.free_ports import free_ports
from cli.terminal import say, visible
from tests.cli.starting import run_katydid


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("Grüße, שלום 👩\u200d👧", "Grüße, שלום 👩\u200d👧"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J\b\x7f", r"\x9b2J\x08\x7f"),
        ("turned \u202e round", r"turned \u202e round"),
        ("half a \ud83d", r"half a \ud83d"),
    ],
)
def test_nothing_that_is_told_commands_the_terminal(
    told: str, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("http", "wrong", "A rule.", expected="nothing else", came=told)

    assert visible(told) == seen
    say(told)
    tell([finding], as_json=False)
    printed = capsys.readouterr()
    assert printed.err == f"katydid: {seen}\n"
    assert f"came {seen}\n" in printed.out


def test_a_finding_is_one_line_whatever_a_server_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell([Finding("http", "wrong", "A rule.", came="404 <p>\r\nok  all: is well")], as_json=False)

    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == ["         came 404 <p> ok all: is well", "1 fault and no warnings."]
    assert visible("one\ntwo") == r"one\ntwo"


def test_a_terminal_without_the_letters_gets_their_numbers() -> None:
    [port] = free_ports(1)

    done = run_katydid({"PYTHONIOENCODING": "ascii"}, "doctor", f"http://127.0.0.1:{port}")

    assert (done.returncode, done.stderr) == (1, "")
    assert r"\u2192 " in done.stdout
