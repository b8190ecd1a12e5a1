"""Licences and the bill of materials: of what is really installed, and of all of it."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cli.bill import NoBill, bill
from cli.licences import FILE, is_allowed, page, python_packages
from cli.lock import LOCKS
from tests.deploy.test_locks import locked


def test_the_page_of_licences_is_that_of_what_is_installed() -> None:
    assert FILE.read_text() == page(), "./katydid licences writes it anew"


def test_what_is_installed_is_what_is_locked() -> None:
    versions = {each.name: each.versions.split(" or ") for each in python_packages()}

    assert len(versions) > 40
    for name, either in versions.items():
        assert version(name) in either, name


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("(MIT OR CC0-1.0)", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("Apache-2.0 AND Proprietary", False),
        ("AGPL-3.0-only", False),
        ("", False),
    ],
)
def test_a_licence_is_free_when_all_of_a_choice_is(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_the_bill_of_materials_fits_its_schema_and_names_all_that_is_locked(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"

    assert bill([str(first)]) == bill([str(second)]) == 0

    assert first.read_text() == second.read_text()
    named = json.loads(first.read_text())
    format_version = SchemaVersion.from_version(named["specVersion"])
    assert JsonStrictValidator(format_version).validate_str(first.read_text()) is None
    found = {(each["name"], each["version"]) for each in named["components"]}
    lock = locked(LOCKS[0])
    assert found == {(name, each) for name, several in lock.items() for each in several}
    assert all(each["externalReferences"][0]["hashes"] for each in named["components"])


def test_a_bill_goes_to_one_file() -> None:
    with pytest.raises(NoBill, match=r"\./katydid bill FILE"):
        bill(["one", "two"])
