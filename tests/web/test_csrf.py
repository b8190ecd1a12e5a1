"""Writes that come with a cookie must carry our page's token; others have no need of one."""

import pytest

from tests.web.site import Site
from tests.web.visitor import PASSWORD, assert_problem

WRITES = [
    ("POST", "/api/v1/devices", {"name": "Doorbell", "kind": "thing"}),
    ("DELETE", "/api/v1/devices/abcdefghijkl", None),
    ("POST", "/api/v1/accounts", {"account": "dave", "password": PASSWORD}),
]
FORMS = ["/login", "/register", "/logout"]


@pytest.mark.parametrize("token", ["", "nonsense"])
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_by_cookie_without_the_token_is_refused(
    site: Site, method: str, path: str, body: dict[str, str] | None, token: str
) -> None:
    alice = site.browser().log_in("alice")
    alice.token = token

    assert_problem(alice.call(method, path, body), 403, says="security token")
    assert site.installation.rows("SELECT count(*) FROM account") == [(3,)]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_the_token_is_refused(site: Site, path: str) -> None:
    browser = site.browser()
    browser.get("/login")

    response = browser.send_form(path, token="", account="alice", password=PASSWORD)

    assert response.status_code == 403
    assert response.mimetype == "text/html"
    assert "security token" in response.text


def test_the_token_of_another_session_is_refused(site: Site) -> None:
    alice, carol = site.browser().log_in("alice"), site.browser().log_in("carol")

    alice.token = carol.token

    assert_problem(alice.call("DELETE", "/api/v1/devices/abcdefghijkl"), 403)


def test_a_write_by_cookie_with_the_token_is_taken(site: Site) -> None:
    alice = site.browser().log_in("alice")

    assert_problem(alice.call("DELETE", "/api/v1/devices/abcdefghijkl"), 404)


def test_a_program_needs_no_token(site: Site) -> None:
    assert_problem(site.program("alice").delete("/api/v1/devices/abcdefghijkl"), 404)


def test_reading_needs_no_token(site: Site) -> None:
    alice = site.browser().log_in("alice")
    alice.token = ""

    assert alice.get("/api/v1/devices").status_code == 200
