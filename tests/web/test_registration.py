"""Registering an account: by the form, by the API, and where it is not open to all."""

import pytest

from tests.web.conftest import MakeSite
from tests.web.site import Site
from tests.web.visitor import PASSWORD, assert_problem

pytestmark = pytest.mark.both_databases

NEW = {"account": "dave", "password": PASSWORD, "display_name": "Dave"}


def test_a_program_registers_an_account(site: Site) -> None:
    response = site.browser().call("POST", "/api/v1/accounts", NEW)

    assert response.status_code == 201
    assert response.get_json() == {
        "account": "dave",
        "display_name": "Dave",
        "kind": "person",
        "hides_presence": False,
        "hides_read": False,
        "asks_first": False,
    }
    assert response.headers["Location"] == "/api/v1/accounts/dave"
    assert site.program("dave").get("/api/v1/accounts/me").get_json()["account"] == "dave"


def test_a_program_that_registers_is_given_no_session(site: Site) -> None:
    response = site.browser().call("POST", "/api/v1/accounts", NEW)

    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("display_name", [{}, {"display_name": None}])
def test_an_account_without_a_display_name_is_shown_as_its_name(
    site: Site, display_name: dict[str, None]
) -> None:
    body = {"account": "dave", "password": PASSWORD, **display_name}

    assert site.browser().call("POST", "/api/v1/accounts", body).status_code == 201
    shown = site.program("alice").get("/api/v1/accounts/dave").get_json()
    assert shown == {"account": "dave", "display_name": "dave", "kind": "person"}


def test_a_name_is_given_out_once(site: Site) -> None:
    response = site.browser().call("POST", "/api/v1/accounts", {**NEW, "account": "alice"})

    assert_problem(response, 409, says="alice is taken")


def test_a_person_registers_and_is_logged_in(site: Site) -> None:
    browser = site.browser()
    browser.get("/register")

    response = browser.send_form("/register", **NEW)

    assert (response.status_code, response.location) == (302, "/")
    assert browser.get("/api/v1/accounts/me").get_json()["display_name"] == "Dave"


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"account": "Dave"}, 422, "account must be"),
        ({"account": ""}, 422, "account must be"),
        ({"account": "alice"}, 409, "alice is taken"),
        ({"password": "short"}, 422, "password must be"),
        ({"display_name": "x" * 65}, 422, "display_name must be"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_right(
    site: Site, changed: dict[str, str], status: int, says: str
) -> None:
    browser = site.browser()
    browser.get("/register")

    response = browser.send_form("/register", **{**NEW, "display_name": "Dave D", **changed})

    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert says in response.text.lower()
    assert "display_name" in changed or "Dave D" in response.text
    assert PASSWORD not in response.text


@pytest.mark.parametrize(
    ("registration", "says"),
    [("closed", "takes no new accounts"), ("invite", "by invitation only")],
)
def test_where_registration_is_not_open_nobody_registers(
    make_site: MakeSite, registration: str, says: str
) -> None:
    site = make_site(KATYDID_REGISTRATION=registration)
    browser = site.browser()
    browser.get("/login")

    assert_problem(browser.call("POST", "/api/v1/accounts", NEW), 403, says=says)
    for response in (browser.get("/register"), browser.send_form("/register", **NEW)):
        assert response.status_code == 403
        assert response.mimetype == "text/html"
        assert says in response.text
    assert site.installation.rows("SELECT count(*) FROM account") == [(3,)]
