"""Every error has an answer of one form: a problem for programs, a page for people."""

from typing import Any

import pytest

from tests.web.site import Site, execute
from tests.web.visitor import assert_problem


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1/accounts/alice/more", 404),
        ("GET", "/api/v1/accounts", 405),
        ("PUT", "/api/v1/devices", 405),
        ("POST", "/api/v1/conversations", 405),
        ("PATCH", "/api/v1/devices/abcdefghijkl", 405),
        ("DELETE", "/api/v1/devices/current", 405),
        ("GET", "/api/v1/devices/current/credential", 404),
        ("BREW", "/api/v1/devices", 405),
    ],
)
def test_below_the_api_even_what_is_not_there_is_a_problem(
    site: Site, method: str, path: str, status: int
) -> None:
    response = site.program("alice").open(method, path)

    assert_problem(response, status)
    assert ("Allow" in response.headers) is (status == 405)


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.js", "/vendor/nothing.js"])
def test_a_person_is_shown_a_page(site: Site, path: str) -> None:
    response = site.browser().get(path, headers={"Accept": "text/html,*/*;q=0.8"})

    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "There is nothing at this address." in response.text


def test_who_asks_for_json_is_answered_in_json_everywhere(site: Site) -> None:
    asks = {"Accept": "application/json"}

    assert_problem(site.browser().get("/nothing", headers=asks), 404)
    assert_problem(site.browser().get("/", headers=asks), 401)


@pytest.mark.parametrize(
    "path", ["/api/v1/devices", "/api/v1/conversations", "/api/v1/accounts/alice"]
)
def test_who_is_nobody_is_told_to_log_in(site: Site, path: str) -> None:
    assert_problem(site.browser().get(path), 401, says="Log in")


def break_the_tables(site: Site) -> None:
    execute(site.installation, "ALTER TABLE account RENAME TO gone")


@pytest.mark.parametrize("path", ["/api/v1/devices", "/"])
def test_a_database_that_does_not_answer_is_a_503(site: Site, path: str) -> None:
    browser = site.browser().log_in("alice")
    break_the_tables(site)

    response = browser.get(path)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The database does not answer" in response.text
    assert "SELECT" not in response.text


def test_a_write_that_the_database_has_no_time_for_is_a_503(site: Site) -> None:
    body = {"account": "dave", "password": "correct horse battery"}

    with site.installation.database.writing() as session:
        session.connection()  # the lock is taken with the first need of it
        response = site.browser().call("POST", "/api/v1/accounts", body)

    assert_problem(response, 503, says="The database does not answer")
    assert site.browser().call("POST", "/api/v1/accounts", body).status_code == 201


def test_what_nobody_foresaw_is_a_sentence_without_a_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("secret details")

    monkeypatch.setattr("web.api.conversations.conversations_of", fail)

    response = site.program("alice").get("/api/v1/conversations")

    assert_problem(response, 500, says="the server's mistake")
    assert "secret details" not in response.text
    assert "ZeroDivision" not in response.text
