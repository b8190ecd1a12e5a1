"""docs/attacks.md has every row of the table, and no row that is gone."""

from attacks.cases import attacks
from attacks.place import BROKERS
from attacks.table import Row, text_table
from chat.settings import REPOSITORY


def test_every_attack_stands_in_the_table() -> None:
    rows = text_table([Row(each) for each in attacks()], BROKERS).splitlines()[2:]
    page = (REPOSITORY / "docs" / "attacks.md").read_text(encoding="utf-8")
    told = page.partition("## The table")[2].splitlines()

    assert [beginning(line) for line in told if line.startswith("| ")][2:] == [
        beginning(row) for row in rows
    ]


def beginning(line: str) -> list[str]:
    """Which attack it is, at which door, and what is expected."""
    return line.split(" | ")[:3]
