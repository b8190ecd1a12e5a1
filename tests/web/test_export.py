"""The export: one archive with all that is the account's own, true to its own schema."""

import json
import tracemalloc
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from jsonschema import Draft202012Validator

from tests.people import add_thing
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, assert_problem
from web.api import export as module

pytestmark = pytest.mark.both_databases

EXPORT = "/api/v1/export"


@pytest.fixture
def site(site: Site) -> Site:
    """Alice has written to Bob, and Bob to Carol; there is something of every kind."""
    site.converse("alice", "bob", *(f"text {number} 🦗" for number in range(1_203)))
    site.converse("bob", "carol", "not for Alice")
    site.program("alice").put("/api/v1/blocks/carol")
    execute(
        site.installation,
        "INSERT INTO device (id, account_id, name, kind, generation, created_at)"
        " SELECT 'abc', id, 'Lamp', 'thing', 1, 1 FROM account WHERE name = 'alice'",
    )
    execute(
        site.installation,
        "INSERT INTO invitation (digest, inviter_id, created_at, expires_at)"
        " SELECT 'a digest', id, 1, 1 FROM account WHERE name = 'alice'",
    )
    add_thing(site.installation.database, "alice", "lamp", "bob")
    add_thing(site.installation.database, "bob", "radio", "alice")
    return site


def exported(site: Site, name: str) -> dict[str, Any]:
    """The files with what is in them."""
    response = site.program(name).get(EXPORT, buffered=True)
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    assert f"katydid-{name}-" in response.headers["Content-Disposition"]
    with ZipFile(BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        texts = {file: archive.read(file).decode() for file in archive.namelist()}
    return {
        file: [json.loads(line) for line in text.splitlines()]
        if file.endswith(".jsonl")
        else json.loads(text)
        for file, text in texts.items()
    }


def test_all_of_an_account_is_there_and_nothing_of_others(site: Site) -> None:
    files = exported(site, "alice")

    assert files["account.json"]["account"] == "alice"
    assert [device["name"] for device in files["devices.jsonl"]] == ["Lamp"]
    [conversation] = files["conversations.jsonl"]
    assert (conversation["peer"], conversation["last_seq"]) == ("bob", 1_203)
    seqs = [message["seq"] for message in files["messages.jsonl"]]
    assert seqs == list(range(1, 1_204))
    first = {"seq": 1, "from": "alice", "to": "bob", "text": "text 0 🦗"}
    assert first.items() <= files["messages.jsonl"][0].items()
    assert [block["account"] for block in files["blocks.jsonl"]] == ["carol"]
    assert len(files["invitations.jsonl"]) == 1
    [thing] = files["things.jsonl"]
    assert (thing["account"], thing["allowed"]) == ("lamp", ["bob"])
    assert files["account.json"]["owner"] is None
    assert "not for Alice" not in str(files)
    assert PASSWORD not in str(files)
    assert "argon2" not in str(files)


@pytest.mark.parametrize("name", ["alice", "carol"])
def test_an_export_is_true_to_its_schema(site: Site, name: str) -> None:
    files = exported(site, name)

    schema = files.pop("schema.json")
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(files)) == []
    assert set(schema["required"]) == set(files)
    files["messages.jsonl"].append({"seq": "one"})
    assert list(validator.iter_errors(files)) != []


def test_an_export_is_never_in_memory_as_a_whole(site: Site) -> None:
    execute(site.installation, "UPDATE message SET body = :text", text="🦗" * 2_000)
    whole_bytes = 1_203 * 8_000
    tracemalloc.start()

    response = site.program("alice").get(EXPORT)
    sent_bytes = sum(len(piece) for piece in response.response)

    response.close()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent_bytes > 1_000
    assert peak_bytes < whole_bytes * 0.7


def test_an_export_is_given_to_so_many_at_once_and_then_again(site: Site) -> None:
    alice = site.program("alice")
    under_way = [alice.get(EXPORT) for _ in range(2)]

    busy = alice.get(EXPORT, buffered=True)
    assert_problem(busy, 503, says="busy")
    assert "Retry-After" in busy.headers

    for response in under_way:
        response.close()
    assert alice.get(EXPORT, buffered=True).status_code == 200
    assert module._AT_ONCE._value == 2


def test_an_export_needs_a_login(site: Site) -> None:
    assert_problem(site.browser().call("GET", EXPORT), 401)
