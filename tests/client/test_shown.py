"""What others have written, on its way to a terminal."""

import pytest

from client.shown import shown


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Grüße, שלום\t👩\u200d👩\u200d👧\n", "Grüße, שלום\t👩\u200d👩\u200d👧\n"),
        ("\x1b[31mred\x1b]0;title\x07", "�[31mred�]0;title�"),
        ("\x9b31mred, and \x7f gone", "�31mred, and � gone"),
        ("over\rwritten\b, \0", "over�written�, �"),
        ("from Windows\r\n", "from Windows\n"),
        ("turned \u202egnp.exe\u2066 round\u2069", "turned gnp.exe round"),
        ("half a \ud83d", "half a �"),
    ],
)
def test_nothing_that_is_shown_commands_a_terminal(written: str, seen: str) -> None:
    assert shown(written) == seen


def test_no_line_of_a_text_begins_where_a_message_does() -> None:
    assert shown("yes\n12:00  bob: no", indent=4) == "yes\n    12:00  bob: no"
