"""What is wrong with a request is said clearly, at each door of the API, and harms nothing."""

from typing import Any

import pytest

from tests.web.site import Site
from tests.web.visitor import PASSWORD, Program, assert_problem

pytestmark = pytest.mark.both_databases

JSON = "application/json"
ACCOUNTS, DEVICES = "/api/v1/accounts", "/api/v1/devices"
DEVICE = {"name": "Doorbell", "kind": "thing"}
ACCOUNT = {"account": "dave", "password": PASSWORD}


@pytest.fixture(scope="module")
def site(shared_site: Site) -> Site:
    return shared_site


@pytest.fixture(scope="module")
def alice(site: Site) -> Program:
    return site.program("alice")


@pytest.mark.parametrize("path", [ACCOUNTS, DEVICES])
@pytest.mark.parametrize(
    ("body", "content_type", "status", "field", "says"),
    [
        (b"{}", None, 415, None, "Content-Type: application/json"),
        (b"{}", "text/plain", 415, None, "Content-Type: application/json"),
        (b"name=x", "application/x-www-form-urlencoded", 415, None, "Content-Type"),
        (b"", JSON, 400, None, "not JSON"),
        (b"{", JSON, 400, None, "not JSON"),
        (b"{'a': 1}", JSON, 400, None, "not JSON"),
        (b'{"a": NaN}', JSON, 400, None, "not JSON"),
        (b"\xff\xfe", JSON, 400, None, "not JSON"),
        (b'{"name": "\xff"}', JSON, 400, None, "not JSON"),
        (b'{"name": "half \\ud800 a pair"}', JSON, 400, None, "not JSON"),
        (b'{"name": 1' + b"0" * 5000 + b"}", JSON, 400, None, "not JSON"),
        (b"[" * 60_000, JSON, 400, None, "nested too deeply"),
        (b'{"a":' * 10_000, JSON, 400, None, "nested too deeply"),
        (b"[]", JSON, 422, "body", "must be a JSON object"),
        (b"null", JSON, 422, "body", "must be a JSON object"),
        (b'"text"', JSON, 422, "body", "must be a JSON object"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', JSON, 413, None, "64 KiB"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    alice: Program,
    path: str,
    body: bytes,
    content_type: str | None,
    status: int,
    field: str | None,
    says: str,
) -> None:
    response = alice.open("POST", path, data=body, content_type=content_type)

    assert_problem(response, status, field=field, says=says)


@pytest.mark.parametrize("wrong", [None, 1, 1.5, True, [], {}, ["alice"], 2**62])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ACCOUNTS, ACCOUNT, "account"),
        (ACCOUNTS, ACCOUNT, "password"),
        (DEVICES, DEVICE, "name"),
        (DEVICES, DEVICE, "kind"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(
    alice: Program, path: str, body: dict[str, str], field: str, wrong: Any
) -> None:
    response = alice.post(path, {**body, field: wrong})

    assert_problem(response, 422, field=field, says="must be a string")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (ACCOUNTS, ACCOUNT, "account"),
        (ACCOUNTS, ACCOUNT, "password"),
        (DEVICES, DEVICE, "name"),
        (DEVICES, DEVICE, "kind"),
    ],
)
def test_a_missing_field_is_named(
    alice: Program, path: str, body: dict[str, str], field: str
) -> None:
    response = alice.post(path, {name: body[name] for name in body if name != field})

    assert_problem(response, 422, field=field, says="is missing")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("account", "", "2 to 32 characters"),
        ("account", "d", "2 to 32 characters"),
        ("account", "d" * 33, "2 to 32 characters"),
        ("account", "Dave", "a-z"),
        ("account", "_admin", "a-z"),
        ("account", "dave.device", "a-z"),
        ("account", "dave/x", "a-z"),
        ("account", "dave\0", "a-z"),
        ("account", "dave\n", "a-z"),
        ("account", "dàve", "a-z"),
        ("password", "", "8 to 200"),
        ("password", "1234567", "8 to 200"),
        ("password", "x" * 201, "8 to 200"),
        ("password", "a NUL \0 within", "NUL"),
        ("display_name", " ", "1 to 64 printable"),
        ("display_name", "x" * 65, "1 to 64 printable"),
        ("display_name", "a\0b", "1 to 64 printable"),
        ("display_name", "two\nlines", "1 to 64 printable"),
        ("display_name", "evil \u202e name", "1 to 64 printable"),
        ("display_name", "\u200d\u200c", "1 to 64 printable"),
        ("display_name", "\u3164 \u2800\ufe0f", "1 to 64 printable"),
        ("display_name", 5, "must be a string"),
    ],
)
def test_an_account_that_is_not_acceptable_is_refused(
    site: Site, alice: Program, field: str, value: Any, says: str
) -> None:
    response = alice.post(ACCOUNTS, {**ACCOUNT, field: value})

    assert_problem(response, 422, field=field, says=says)
    assert site.installation.rows("SELECT count(*) FROM account") == [(3,)]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "1 to 64 printable"),
        ("name", "  ", "1 to 64 printable"),
        ("name", "x" * 65, "1 to 64 printable"),
        ("name", "a\0b", "1 to 64 printable"),
        ("name", "two\nlines", "1 to 64 printable"),
        ("name", "evil \u202e name", "1 to 64 printable"),
        ("kind", "", "browser, phone, thing"),
        ("kind", "Phone", "browser, phone, thing"),
        ("kind", "toaster", "browser, phone, thing"),
    ],
)
def test_a_device_that_is_not_acceptable_is_refused(
    site: Site, alice: Program, field: str, value: str, says: str
) -> None:
    response = alice.post(DEVICES, {**DEVICE, field: value})

    assert_problem(response, 422, field=field, says=says)
    assert site.installation.rows("SELECT count(*) FROM device") == [(0,)]


@pytest.mark.parametrize("name", ["before", "after", "limit"])
@pytest.mark.parametrize(
    "value", ["", "x", "-1", "+1", " 1", "1.0", "1e3", "0x10", "٣", "1_0", "\0", "9" * 17, "1%00"]
)
def test_a_cursor_or_limit_that_is_no_whole_number_is_refused(
    alice: Program, name: str, value: str
) -> None:
    response = alice.get("/api/v1/conversations/bob/messages", query_string={name: value})

    assert_problem(response, 422, field=name, says="whole number")


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("limit=0", "limit", "from 1 to 200"),
        ("limit=201", "limit", "from 1 to 200"),
        ("before=9007199254740992", "before", "from 0 to 9007199254740991"),
        ("after=9007199254740992", "after", "from 0 to 9007199254740991"),
        ("before=1&after=1", "after", "together with before"),
        ("limit=1&limit=2", "limit", "one whole number"),
    ],
)
def test_a_cursor_or_limit_out_of_range_is_refused(
    alice: Program, query: str, field: str, says: str
) -> None:
    response = alice.get(f"/api/v1/conversations/bob/messages?{query}")

    assert_problem(response, 422, field=field, says=says)


@pytest.mark.parametrize(
    "query", ["", "limit=1", "limit=200", "before=0", "after=0", "before=9007199254740991"]
)
def test_a_cursor_or_limit_at_its_edge_is_taken(alice: Program, query: str) -> None:
    response = alice.get(f"/api/v1/conversations/bob/messages?{query}")

    assert response.get_json() == {"messages": [], "more": False}


@pytest.mark.parametrize(
    "name", ["zed", "Bob", "b", "x" * 3000, "%00", "bob%0a", "%ed%a0%80", "%ff", "bob.x", "~"]
)
@pytest.mark.parametrize("path", ["/api/v1/accounts/{}", "/api/v1/conversations/{}/messages"])
def test_a_name_that_is_nobodys_is_not_found(alice: Program, path: str, name: str) -> None:
    assert_problem(alice.get(path.format(name)), 404, says="There is no account named")


@pytest.mark.parametrize("id", ["abcdefghijkl", "x", "x" * 3000, "%00", "%ff", "ABCDEFGHIJKL"])
def test_an_id_that_is_no_devices_is_not_found(alice: Program, id: str) -> None:
    assert_problem(alice.delete(f"{DEVICES}/{id}"), 404, says="You have no device")
