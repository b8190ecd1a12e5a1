"""`./katydid doctor URL`: our own server keeps the contract, and one that does not is told."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chat.settings import REPOSITORY
from cli.doctor.contract import SUBJECTS, examine_server, http
from cli.doctor.contract.leaving import leave
from cli.doctor.contract.people import CannotComeIn, come_in
from cli.doctor.contract.rules import Rules, kept
from cli.doctor.contract.server import Server
from cli.doctor.findings import Finding
from cli.free_ports import free_ports
from tests.cli.doctor.answering import Alter, Answer, altering, answering
from tests.cli.doctor.asking import ask_doctor
from tests.cli.doctor.test_broker import clients_at_broker, open_to_all
from tests.end_to_end.running_up import add_account
from tests.running import Installation
from tests.web.served import ServedSite
from tests.web.visitor import PASSWORD

GIVEN = {"DOCTOR_FIRST": f"eve:{PASSWORD}", "DOCTOR_SECOND": f"fay:{PASSWORD}"}


@pytest.fixture(scope="module")
def site(shared_bridge: Installation) -> Iterator[ServedSite]:
    """A whole server, where anybody may register; Eve and Fay have accounts already."""
    served = ServedSite(shared_bridge)
    for name in ("eve", "fay"):
        add_account(shared_bridge.database, name, password=PASSWORD)
    yield served
    served.stop()


def people_left(site: ServedSite) -> list[tuple[object, ...]]:
    return site.installation.rows(
        "SELECT name FROM account WHERE name LIKE 'doctor-%' AND deleted_at IS NULL"
    )


def broken(url: str, *wanted: str) -> list[Finding]:
    """Which of the rules that begin so the server breaks."""
    server = Server(url)
    come_in(server, GIVEN)
    tried = []
    try:
        for rules in (http.rules_for_anybody, *SUBJECTS):
            some = Rules(rules.section, about=rules.about)
            some.listed = [each for each in rules.listed if each[0].startswith(wanted)]
            tried += kept(some, server)
    finally:
        assert not leave(server)
        server.close()
    assert len(tried) == len(wanted)
    return [each for each in tried if each.level == "wrong"]


def test_our_own_server_keeps_every_rule_and_nothing_is_left_there(site: ServedSite) -> None:
    before = clients_at_broker(site.installation)

    told = ask_doctor({}, site.url)

    assert told.returncode == 0, told.stdout + told.stderr
    lines = told.stdout.splitlines()
    rules = sum(len(each.listed) for each in (http.rules_for_anybody, *SUBJECTS))
    assert [line for line in lines[:-1] if not line.startswith("ok ")] == []
    assert (len(lines) - 1, lines[-1]) == (rules, "Nothing is wrong.")
    assert people_left(site) == []
    assert clients_at_broker(site.installation) == before


def test_every_rule_names_a_part_of_the_contract() -> None:
    protocol = (REPOSITORY / "docs" / "protocol.md").read_text()
    headings = re.findall(r"^## (.+)$", protocol, re.MULTILINE)

    assert {rules.section for rules in SUBJECTS} <= set(headings)


def test_every_subject_stands_in_the_page_about_it() -> None:
    page = (REPOSITORY / "docs" / "conformance.md").read_text()

    described = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    assert set(described) == {rules.about for rules in SUBJECTS}


# Where nobody may register.


def test_given_accounts_keep_everything_but_the_devices_that_were_made(site: ServedSite) -> None:
    server = Server(site.url)

    come_in(server, GIVEN)
    made = site.installation.rows("SELECT id FROM device WHERE name = 'Conformance check'")
    assert not leave(server)
    server.close()

    assert len(made) == 2
    assert site.installation.rows("SELECT id FROM device WHERE name = 'Conformance check'") == []
    rows = site.installation.rows("SELECT deleted_at FROM account WHERE name IN ('eve', 'fay')")
    assert rows == [(None,), (None,)]


def test_where_nobody_may_register_it_says_what_it_needs(site: ServedSite) -> None:
    [port] = free_ports(1)
    with answering(port, b"{}", status=403):
        last = list(examine_server(f"http://127.0.0.1:{port}", {}))[-1]

    assert last.level == "wrong"
    assert "DOCTOR_FIRST and DOCTOR_SECOND" in last.says
    with pytest.raises(CannotComeIn, match="NAME:PASSWORD"):
        come_in(Server(site.url), {"DOCTOR_FIRST": "eve"})


@pytest.mark.parametrize(
    "url", ["hello", "ftp://127.0.0.1", "http://", "http://[::", "http://127.0.0.1:99999"]
)
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(CannotComeIn, match="is no URL that begins with"):
        list(examine_server(url, {}))


def test_a_server_that_is_not_there_is_told() -> None:
    [port] = free_ports(1)

    findings = list(examine_server(f"http://127.0.0.1:{port}", {}))

    assert {each.level for each in findings} == {"wrong"}
    assert "refused" in findings[-1].says


# Servers that do something else.


def in_json(answer: Answer, change: Any) -> Answer:
    status, kind, body = answer
    value = json.loads(body)
    change(value)
    return status, kind, json.dumps(value).encode()


def errors_in_plain_json(_method: str, _path: str, answer: Answer) -> Answer:
    return answer[0], answer[1].replace("problem+json", "json"), answer[2]


def errors_as_successes(_method: str, _path: str, answer: Answer) -> Answer:
    return (200 if answer[0] == 404 else answer[0], *answer[1:])


def devices_with_another_topic(method: str, path: str, answer: Answer) -> Answer:
    if (method, path, answer[0]) != ("POST", "/api/v1/devices", 201):
        return answer
    return in_json(answer, lambda value: value["mqtt"].update(send_topic="chat/{to}"))


def pages_without_the_first(method: str, path: str, answer: Answer) -> Answer:
    if method != "GET" or "/messages" not in path or answer[0] != 200:
        return answer
    return in_json(answer, lambda value: value["messages"].__delitem__(slice(0, 1)))


@pytest.mark.parametrize(
    ("alter", "rules", "expected", "came"),
    [
        (
            errors_in_plain_json,
            ["what is not there is answered"],
            "application/problem+json",
            "application/json",
        ),
        (errors_as_successes, ["what is not there is answered"], "status 404", "200"),
        (
            devices_with_another_topic,
            ["a new device is answered"],
            "chat/v1/up/",
            "chat/{to}",
        ),
        (pages_without_the_first, ["a text comes back", "MQTT and HTTP answer"], "", ""),
    ],
)
def test_a_server_that_answers_something_else_is_told(
    site: ServedSite, alter: Alter, rules: list[str], expected: str, came: str
) -> None:
    [port] = free_ports(1)
    with altering(port, site.url, alter) as url:
        [found] = broken(url, *rules)

    assert found.says.startswith(rules[-1])
    assert expected in str(found.expected)
    assert came in str(found.came)
    assert str(found.where).startswith("docs/protocol.md, ")


def test_a_server_whose_broker_grants_everything_is_told(site: ServedSite) -> None:
    with open_to_all(site.installation, subscribe=True, publishClientSend=True):
        found = broken(site.url, "every other SUBSCRIBE", "a publish to another's topics")

    assert [each.expected for each in found] == ["refusals", "refusals"]
    assert "subscribe to #" in str(found[0].came)
    assert "publishes to chat/v1/down/" in str(found[1].came)


def test_a_server_whose_bridge_is_away_is_told(
    site: ServedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.doctor.mqtt.ANSWER_WITHIN_SECONDS", 1.0)  # it will not come
    site.installation.kill("bridge")

    [found] = broken(site.url, "a text comes back")

    assert (found.expected, found.came) == ("a message on down/…/message", "nothing in time")
