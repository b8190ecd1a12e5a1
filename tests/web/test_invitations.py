"""Invitations: whoever has the link registers, once, within seven days, and nobody else does."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest

from chat import invitations as rules
from chat.accounts import account_named
from chat.errors import TooManyInvitations
from chat.invitations import MOST_OPEN
from chat.times import now
from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, assert_problem

pytestmark = pytest.mark.both_databases

INVITATIONS = "/api/v1/invitations"
ACCOUNTS = "/api/v1/accounts"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(KATYDID_REGISTRATION="invite", KATYDID_PUBLIC_URL="https://chat.example.org")


def invite(site: Site) -> str:
    """What a new link of Alice's says."""
    response = site.program("alice").post(INVITATIONS)
    assert response.status_code == 201, response.text
    invitation = response.get_json()["invitation"]
    assert isinstance(invitation, str)
    return invitation


def register(site: Site, name: str, invitation: str | None) -> int:
    body = {"account": name, "password": PASSWORD, "invitation": invitation}
    return site.browser().call("POST", ACCOUNTS, body).status_code


def test_the_link_is_told_once_and_only_its_fate_is_listed(site: Site) -> None:
    alice = site.program("alice")

    told = alice.post(INVITATIONS).get_json()

    url = urlsplit(told["url"])
    assert url.geturl().startswith("https://chat.example.org/register?")
    assert parse_qs(url.query) == {"invitation": [told["invitation"]]}
    [listed] = alice.get(INVITATIONS).get_json()["invitations"]
    assert listed == {key: told[key] for key in ("created_at", "expires_at", "used_by")}
    assert told["used_by"] is None
    assert site.program("bob").get(INVITATIONS).get_json()["invitations"] == []
    digests = site.installation.rows("SELECT digest FROM invitation")
    assert told["invitation"] not in str(digests)


def test_who_is_invited_registers_by_the_form(site: Site) -> None:
    invitation = invite(site)
    browser = site.browser()

    page = browser.get(f"/register?invitation={invitation}")
    assert page.status_code == 200
    assert f'name="invitation" value="{invitation}"' in page.text
    wrong = browser.send_form("/register", account="dave", password="short", invitation=invitation)
    assert wrong.status_code == 422
    assert f'name="invitation" value="{invitation}"' in wrong.text
    right = browser.send_form("/register", account="dave", password=PASSWORD, invitation=invitation)

    assert (right.status_code, right.location) == (302, "/")
    [listed] = site.program("alice").get(INVITATIONS).get_json()["invitations"]
    assert listed["used_by"] == "dave"


def test_an_invitation_is_for_one_account(site: Site) -> None:
    invitation = invite(site)

    assert register(site, "dave", invitation) == 201
    body = {"account": "erin", "password": PASSWORD, "invitation": invitation}
    assert_problem(site.browser().call("POST", ACCOUNTS, body), 403, says="used already")
    assert "used already" in site.browser().get(f"/register?invitation={invitation}").text
    assert_problem(site.program("alice").get(f"{ACCOUNTS}/erin"), 404)


def test_of_many_who_come_at_once_with_one_invitation_one_registers(site: Site) -> None:
    invitation = invite(site)
    names = [f"guest-{number}" for number in range(4)]

    with ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda name: register(site, name, invitation), names))

    assert sorted(answers) == [201, 403, 403, 403]
    assert site.installation.rows("SELECT count(*) FROM account") == [(4,)]


def test_a_registration_that_fails_uses_no_invitation(site: Site) -> None:
    invitation = invite(site)

    assert register(site, "bob", invitation) == 409
    assert register(site, "x", invitation) == 422

    assert register(site, "dave", invitation) == 201


def test_an_invitation_expires(site: Site) -> None:
    invitation = invite(site)
    execute(site.installation, "UPDATE invitation SET expires_at = expires_at - 604800000")

    assert_problem(
        site.browser().call(
            "POST", ACCOUNTS, {"account": "dave", "password": PASSWORD, "invitation": invitation}
        ),
        403,
        says="expired",
    )


@pytest.mark.parametrize("invitation", [None, "", "guessed", "\x00", "x" * 5_000])
def test_without_a_right_invitation_nobody_registers(site: Site, invitation: str | None) -> None:
    assert register(site, "dave", invitation) == 403
    assert site.installation.rows("SELECT count(*) FROM account") == [(3,)]


def test_an_account_has_so_many_open_invitations_and_no_more(site: Site) -> None:
    for _ in range(MOST_OPEN):
        invite(site)

    assert_problem(site.program("alice").post(INVITATIONS), 422, says=f"{MOST_OPEN} invitations")
    execute(site.installation, "UPDATE invitation SET expires_at = 1 WHERE inviter_id = 1")
    invite(site)


@pytest.mark.parametrize(
    ("registration", "says"), [("open", "Everybody"), ("closed", "no new accounts")]
)
def test_elsewhere_nobody_is_invited(make_site: MakeSite, registration: str, says: str) -> None:
    site = make_site(KATYDID_REGISTRATION=registration)

    assert_problem(site.program("alice").post(INVITATIONS), 403, says=says)
    assert register(site, "dave", "whatever") == (201 if registration == "open" else 403)


def test_who_invites_must_be_logged_in(site: Site) -> None:
    assert_problem(site.browser().call("POST", INVITATIONS), 401)
    assert_problem(site.browser().call("GET", INVITATIONS), 401)


def test_of_many_invitations_at_once_no_more_are_open_than_one_may_have(site: Site) -> None:
    database = site.installation.database
    with database.reading() as sql:
        alice = account_named(sql, "alice")
    assert alice is not None
    start = Barrier(4)

    def invite_six() -> int:
        start.wait(timeout=10)
        made = 0
        for _ in range(6):
            try:
                with database.writing() as sql:
                    rules.invite(sql, alice, now())
            except TooManyInvitations:
                continue
            made += 1
        return made

    with ThreadPoolExecutor(4) as pool:
        made = [each.result() for each in [pool.submit(invite_six) for _ in range(4)]]

    assert sum(made) == MOST_OPEN
    assert site.installation.rows("SELECT count(*) FROM invitation") == [(MOST_OPEN,)]
