"""Limits on attempts: whom they stop, whom they must not, and how they say so."""

import pytest

from tests.web.conftest import MakeSite
from tests.web.site import Site
from tests.web.visitor import PASSWORD, Browser, assert_problem

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
ELSEWHERE = "192.0.2.99"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(KATYDID_LOGIN_LIMIT="3 per hour", KATYDID_REGISTRATION_LIMIT="2 per hour")


def try_to_log_in(browser: Browser, account: str, password: str) -> int:
    browser.get("/login")
    return browser.send_form("/login", account=account, password=password).status_code


def register(site: Site, name: str, **options: str) -> int:
    body = {"account": name, "password": PASSWORD}
    return site.browser(**options).call("POST", "/api/v1/accounts", body).status_code


def test_logins_are_limited_by_address_and_account(site: Site) -> None:
    guesses = [try_to_log_in(site.browser(), "alice", f"guess {n}") for n in range(4)]

    assert guesses == [401, 401, 401, 429]
    assert try_to_log_in(site.browser(), "alice", PASSWORD) == 429
    assert try_to_log_in(site.browser(), "bob", PASSWORD) == 302
    assert try_to_log_in(site.browser(address=ELSEWHERE), "alice", PASSWORD) == 302


def test_a_person_is_told_when_to_try_again(site: Site) -> None:
    browser = site.browser()
    for number in range(3):
        try_to_log_in(browser, "alice", f"guess {number}")

    browser.get("/login")
    response = browser.send_form("/login", account="alice", password=PASSWORD)

    assert response.status_code == 429
    assert response.mimetype == "text/html"
    assert "Too many attempts; try again in" in response.text
    assert 3500 <= int(response.headers["Retry-After"]) <= 3600


def test_wrong_passwords_of_programs_count_with_those_of_forms(site: Site) -> None:
    wrong = site.program("alice", password="a guess")

    assert try_to_log_in(site.browser(), "alice", "a guess") == 401
    assert [wrong.get(ME).status_code for _ in range(3)] == [401, 401, 429]
    assert try_to_log_in(site.browser(), "alice", PASSWORD) == 429


def test_while_there_were_too_many_guesses_the_right_one_is_not_told(site: Site) -> None:
    for number in range(3):
        site.program("alice", password=f"guess {number}").get(ME)

    assert_problem(site.program("alice").get(ME), 429, says="try again in")
    assert site.program("alice", address=ELSEWHERE).get(ME).status_code == 200


def test_right_passwords_of_programs_are_not_limited(site: Site) -> None:
    alice = site.program("alice")

    assert {alice.get(ME).status_code for _ in range(10)} == {200}


def test_names_that_nobody_can_have_do_not_fill_the_table(site: Site) -> None:
    for number in range(4):
        try_to_log_in(site.browser(), "X" * 300 + str(number), PASSWORD)

    assert site.installation.rows("SELECT count(*), max(count) FROM rate_limit") == [(2, 4)]


@pytest.mark.parametrize("by_form", [False, True])
def test_failed_logins_with_ever_new_names_are_limited_by_address(
    make_site: MakeSite, by_form: bool
) -> None:
    """Ten times as many as for one name."""
    site = make_site(KATYDID_LOGIN_LIMIT="1 per hour")

    def guess(number: int) -> int:
        if by_form:
            return try_to_log_in(site.browser(), f"nobody-{number}", "a guess")
        return site.program(f"nobody-{number}", password="a guess").get(ME).status_code

    assert [guess(number) for number in range(12)] == [401] * 10 + [429] * 2

    assert_problem(site.program("alice").get(ME), 429, says="try again in")
    assert site.program("alice", address=ELSEWHERE).get(ME).status_code == 200
    # What is refused by then takes no room.
    assert site.installation.rows("SELECT count(*) FROM rate_limit") == [(11,)]


def test_guesses_beyond_the_limit_of_one_name_leave_the_others_alone(site: Site) -> None:
    wrong = site.program("alice", password="a guess")

    answers = [wrong.get(ME).status_code for _ in range(40)]

    assert answers == [401] * 3 + [429] * 37
    assert site.program("bob").get(ME).status_code == 200


def test_registrations_are_limited_by_address(site: Site) -> None:
    assert [register(site, name) for name in ("dave", "erin", "frank")] == [201, 201, 429]
    assert register(site, "frank", address=ELSEWHERE) == 201


def test_a_network_of_ipv6_is_one_caller(site: Site) -> None:
    addresses = [f"2001:db8:1:2::{n}" for n in range(1, 4)]

    answers = [register(site, f"dave-{n}", address=a) for n, a in enumerate(addresses)]

    assert answers == [201, 201, 429]
    assert register(site, "erin", address="2001:db8:1:3::1") == 201


@pytest.mark.parametrize(
    ("environ", "address", "is_believed"),
    [
        ({"KATYDID_PUBLIC_URL": "http://chat.example"}, "127.0.0.1", True),
        ({"KATYDID_PUBLIC_URL": "http://chat.example"}, "::ffff:127.0.0.1", True),
        ({"KATYDID_PUBLIC_URL": "http://chat.example"}, "192.0.2.1", False),
        ({}, "127.0.0.1", False),
        ({"KATYDID_TRUSTED_PROXIES": "192.0.2.1, 2001:db8::/64"}, "192.0.2.1", True),
        ({"KATYDID_TRUSTED_PROXIES": "192.0.2.1, 2001:db8::/64"}, "2001:db8::7", True),
        ({"KATYDID_TRUSTED_PROXIES": "192.0.2.1, 2001:db8::/64"}, "192.0.2.2", False),
        ({"KATYDID_TRUSTED_PROXIES": "192.0.2.1"}, "127.0.0.1", False),
        (
            {"KATYDID_PUBLIC_URL": "http://chat.example", "KATYDID_TRUSTED_PROXIES": "none"},
            "127.0.0.1",
            False,
        ),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    make_site: MakeSite, environ: dict[str, str], address: str, is_believed: bool
) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="1 per hour", **environ)
    wrong = site.program("alice", password="a guess", address=address)

    answers = [
        wrong.get(ME, headers={"X-Forwarded-For": f"forged, 198.51.100.{n}"}).status_code
        for n in range(2)
    ]

    assert answers == ([401, 401] if is_believed else [401, 429])


def test_a_limit_that_is_off_lets_everything_pass(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="off", KATYDID_REGISTRATION_LIMIT="off")

    guesses = {site.program("alice", password="a guess").get(ME).status_code for _ in range(12)}

    assert guesses == {401}
    assert site.installation.rows("SELECT count(*) FROM rate_limit") == [(0,)]
