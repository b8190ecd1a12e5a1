"""Admins: their pages, whom they disable, the links that they make, what they did; and reports."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest
from werkzeug.test import TestResponse

from chat.accounts import account_named
from chat.errors import NotAdminAnyMore, TooManyReports
from chat.models import Account
from chat.reports import report
from chat.second_factor import confirm_secret, offer_secret
from chat.times import now
from chat.topics import down_filter
from mqtt_acl.issuer import Credentials
from tests.conftest import needs
from tests.mqtt import Client
from tests.people import add_thing
from tests.running import Installation, wait_until
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, Browser, assert_problem
from web.administration import delete_other_account, disable_account, make_no_admin

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
REPORTS = "/api/v1/reports"
NEW_PASSWORD = "another horse battery"
PAGES = ("/admin", "/admin/accounts", "/admin/accounts/bob", "/admin/reports", "/admin/audit")


@pytest.fixture
def site(site: Site) -> Site:
    """Alice is an admin."""
    execute(site.installation, "UPDATE account SET is_admin = :yes WHERE name = 'alice'", yes=True)
    return site


@pytest.fixture
def alice(site: Site) -> Browser:
    return site.browser().log_in("alice")


def act(admin: Browser, name: str, act: str, **fields: str) -> TestResponse:
    """As the form on the account's page."""
    admin.get(f"/admin/accounts/{name}")
    return admin.send_form(f"/admin/accounts/{name}/{act}", **fields)


def acts(admin: Browser) -> list[str]:
    """The lines of the audit, the newest first."""
    return re.findall(r"<span>(.+?)</span>", admin.get("/admin/audit").text)


def link_for(admin: Browser, name: str) -> str:
    """The path of a new link to reset the password."""
    page = act(admin, name, "reset", password=PASSWORD).text
    found = re.search(r'value="http://localhost(/reset\?link=[\w-]{32})"', page)
    assert found, page
    return found[1]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_for_admins_alone(site: Site, alice: Browser, page: str) -> None:
    assert alice.get(page).status_code == 200
    assert site.browser().log_in("bob").get(page).status_code == 403
    assert site.browser().get(page).status_code == 302


def test_a_program_with_an_admins_password_is_no_admin(site: Site) -> None:
    assert site.program("alice").get("/admin").status_code == 302


@pytest.mark.parametrize("act", ["disable", "enable", "make-admin", "make-no-admin", "delete"])
def test_only_admins_act(site: Site, act: str) -> None:
    bob = site.browser().log_in("bob")
    bob.get("/settings")

    answer = bob.send_form(f"/admin/accounts/carol/{act}", password=PASSWORD, messages="keep")

    assert answer.status_code == 403
    assert site.installation.rows("SELECT act FROM audit_line") == []


def test_no_act_comes_from_another_site(site: Site, alice: Browser) -> None:
    answer = alice.send_form("/admin/accounts/bob/disable", token="")

    assert answer.status_code == 403
    assert site.program("bob").get(ME).status_code == 200


@pytest.mark.parametrize("act_name", ["disable", "make-no-admin", "delete"])
def test_no_admin_shuts_himself_out(site: Site, alice: Browser, act_name: str) -> None:
    answer = act(alice, "alice", act_name, password=PASSWORD, messages="keep")

    assert answer.status_code == 403
    assert "Another admin has to do this" in answer.text
    assert alice.get("/admin").status_code == 200


@pytest.mark.parametrize("act_name", ["make-admin", "reset", "delete"])
def test_what_gives_an_account_away_asks_for_the_password(
    site: Site, alice: Browser, act_name: str
) -> None:
    answer = act(alice, "bob", act_name, password="wrong password", messages="keep")

    assert answer.status_code == 403
    assert "The present password is wrong." in answer.text
    assert acts(alice) == []


def test_who_is_disabled_can_do_nothing_until_enabled(site: Site, alice: Browser) -> None:
    bob = site.browser().log_in("bob")
    assert act(alice, "bob", "disable").status_code == 302

    assert_problem(bob.get(ME), 401)
    assert_problem(site.program("bob").get(ME), 403, says="disabled")
    refused = site.browser()
    refused.get("/login")
    assert refused.send_form("/login", account="bob", password=PASSWORD).status_code == 403
    assert refused.send_form("/login", account="bob", password="wrong").status_code == 401

    assert act(alice, "bob", "enable").status_code == 302

    assert site.program("bob").get(ME).status_code == 200
    assert acts(alice) == ["bob: enabled", "bob: disabled"]


def test_an_account_is_found_by_how_its_name_begins(site: Site, alice: Browser) -> None:
    page = alice.get("/admin/accounts?beginning=b").text

    assert "/admin/accounts/bob" in page
    assert "/admin/accounts/carol" not in page
    assert "There is none." in alice.get("/admin/accounts?beginning=%25").text
    assert "/admin/accounts/carol" in alice.get("/admin/accounts?after=bob").text


def test_an_admin_makes_another_and_he_is_one_no_more(site: Site, alice: Browser) -> None:
    bob = site.browser().log_in("bob")

    act(alice, "bob", "make-admin", password=PASSWORD)
    assert bob.get("/admin").status_code == 200

    act(alice, "bob", "make-no-admin")
    assert bob.get("/admin").status_code == 403
    assert acts(alice) == ["bob: admin no more", "bob: admin made"]


@pytest.mark.parametrize("act_name", ["disable", "make-no-admin", "delete"])
def test_of_two_admins_who_shut_each_other_out_at_once_one_is_left(
    site: Site, act_name: str
) -> None:
    """Both were admins when they asked."""
    execute(site.installation, "UPDATE account SET is_admin = :yes WHERE name = 'bob'", yes=True)
    database = site.installation.database
    with database.reading() as sql:
        alice, bob = account_named(sql, "alice"), account_named(sql, "bob")
    assert alice is not None
    assert bob is not None
    do = _DO[act_name]
    start = Barrier(2)

    def shut_out(by: Account, about: Account) -> bool:
        with site.app.app_context():
            start.wait(timeout=10)
            try:
                do(by, about)
            except NotAdminAnyMore:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(shut_out, alice, bob), pool.submit(shut_out, bob, alice)]
        done = [each.result() for each in both]

    assert sorted(done) == [False, True]
    left = "SELECT count(*) FROM account WHERE is_admin AND disabled_at IS NULL"
    assert site.installation.rows(left) == [(1,)]
    assert len(site.installation.rows("SELECT * FROM audit_line")) == 1


_DO: dict[str, Callable[[Account, Account], object]] = {
    "disable": disable_account,
    "make-no-admin": make_no_admin,
    "delete": lambda by, about: delete_other_account(by, about, erases_messages=False),
}


def test_a_thing_is_no_admin(site: Site, alice: Browser) -> None:
    add_thing(site.installation.database, "bob", "doorbell")

    answer = act(alice, "doorbell", "make-admin", password=PASSWORD)

    assert answer.status_code == 422
    assert acts(alice) == []


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/admin/accounts?beginning=%00", 422),
        ("/admin/accounts?after=%00", 422),
        ("/admin/accounts/%00", 404),
        ("/admin/audit?before=99999999999999999999", 200),
        ("/admin/audit?before=-99999999999999999999", 200),
        ("/admin/reports?after=99999999999999999999", 200),
        ("/admin/reports/99999999999999999999", 404),
        ("/admin/reports/-1", 404),
    ],
)
def test_numbers_and_names_that_no_row_has_find_nothing(
    alice: Browser, page: str, status: int
) -> None:
    assert alice.get(page).status_code == status


def test_a_link_sets_a_forgotten_password_once(site: Site, alice: Browser) -> None:
    logged_in = site.browser().log_in("bob")
    link = link_for(alice, "bob")
    token = link.partition("=")[2]
    assert token not in str(site.installation.rows("SELECT * FROM password_reset"))
    bob = site.browser()

    assert "For bob." in bob.get(link).text
    answer = bob.send_form("/reset", link=token, password="short")
    assert answer.status_code == 422
    assert "8 to 200 characters" in answer.text
    assert bob.send_form("/reset", link=token, password=NEW_PASSWORD).status_code == 302

    assert bob.get(ME).get_json()["account"] == "bob"
    assert_problem(logged_in.get(ME), 401)
    assert_problem(site.program("bob").get(ME), 401)
    assert site.program("bob", password=NEW_PASSWORD).get(ME).status_code == 200
    assert site.browser().get(link).status_code == 403


def test_a_link_turns_the_second_factor_off(site: Site, alice: Browser) -> None:
    database = site.installation.database
    with database.writing() as session:
        bob = account_named(session, "bob")
        assert bob is not None
        secret = offer_secret(session, bob)
    with database.writing() as session:
        confirm_secret(session, bob, pyotp.TOTP(secret).now(), now())
    assert_problem(site.program("bob").get(ME), 401, says="code")
    link = link_for(alice, "bob")
    browser = site.browser()
    browser.get(link)

    browser.send_form("/reset", link=link.partition("=")[2], password=NEW_PASSWORD)

    assert site.program("bob", password=NEW_PASSWORD).get(ME).status_code == 200


def test_a_newer_link_takes_the_place_of_the_one_before(site: Site, alice: Browser) -> None:
    older, newer = link_for(alice, "bob"), link_for(alice, "bob")

    assert site.browser().get(older).status_code == 403
    assert site.browser().get(newer).status_code == 200


def test_a_link_expires(site: Site, alice: Browser) -> None:
    link = link_for(alice, "bob")
    execute(site.installation, "UPDATE password_reset SET expires_at = 1")

    assert site.browser().get(link).status_code == 403


def test_an_admin_deletes_an_account(site: Site, alice: Browser) -> None:
    site.converse("bob", "alice", "hello")

    answer = act(alice, "bob", "delete", password=PASSWORD, messages="erase")

    assert answer.status_code == 302
    assert_problem(site.program("bob").get(ME), 401)
    assert alice.get("/admin/accounts/bob").status_code == 404
    assert site.installation.rows("SELECT body FROM message") == [("",)]
    assert acts(alice) == ["bob: deleted (messages erased)"]


# Reports.


def test_a_report_shows_what_it_is_about_until_it_is_closed(site: Site, alice: Browser) -> None:
    site.converse("bob", "carol", "hello", "<b>you</b> fool")
    words = {"account": "bob", "reason": "He insults me.", "messages": [2]}
    made = site.program("carol").post(REPORTS, words)
    assert made.status_code == 201, made.text
    number = made.get_json()["report"]
    execute(site.installation, "UPDATE message SET body = ''")  # he takes it back

    assert "bob, by carol" in alice.get("/admin/reports").text
    page = alice.get(f"/admin/reports/{number}").text
    assert "He insults me." in page
    assert "&lt;b&gt;you&lt;/b&gt; fool" in page
    assert "hello" not in page
    assert alice.send_form(f"/admin/reports/{number}/close").status_code == 302

    assert "None is open." in alice.get("/admin/reports").text
    assert alice.get(f"/admin/reports/{number}").status_code == 404
    assert site.installation.rows("SELECT * FROM reported_message") == []
    assert acts(alice) == [f"bob: report closed (report {number})"]


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"account": "zed"}, 404, None),
        ({"account": "carol"}, 404, None),
        ({"reason": "  "}, 422, "reason"),
        ({"reason": "x" * 1001}, 422, "reason"),
        ({"account": "alice", "messages": [1]}, 422, "messages"),  # her own
        ({"messages": [3]}, 422, "messages"),
        ({"messages": [2] * 21}, 422, "messages"),
        ({"messages": [2**63]}, 422, "messages"),
        ({"messages": [True]}, 422, "messages"),
        ({"messages": 2}, 422, "messages"),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    site: Site, changed: dict[str, object], status: int, field: str | None
) -> None:
    site.converse("carol", "alice", "hello")
    site.converse("bob", "carol", "hello", "you fool")
    words = {"account": "bob", "reason": "He insults me.", "messages": [2], **changed}

    assert_problem(site.program("carol").post(REPORTS, words), status, field=field)
    assert site.installation.rows("SELECT * FROM report") == []


def test_of_many_reports_at_once_no_more_are_open_than_one_may_have(site: Site) -> None:
    database = site.installation.database
    with database.reading() as sql:
        carol = account_named(sql, "carol")
    assert carol is not None
    start = Barrier(4)

    def report_six() -> int:
        start.wait(timeout=10)
        made = 0
        for _ in range(6):
            try:
                with database.writing() as sql:
                    report(sql, carol, "bob", [], "again", now())
            except TooManyReports:
                continue
            made += 1
        return made

    with ThreadPoolExecutor(4) as pool:
        made = [each.result() for each in [pool.submit(report_six) for _ in range(4)]]

    assert sum(made) == 20
    assert site.installation.rows("SELECT count(*) FROM report") == [(20,)]


def test_nobody_floods_the_admins(site: Site) -> None:
    carol = site.program("carol")
    words = {"account": "bob", "reason": "again"}
    assert {carol.post(REPORTS, words).status_code for _ in range(20)} == {201}

    assert_problem(carol.post(REPORTS, words), 422, says="20 of your reports are still open")


# At the broker.


@pytest.fixture
def connected(site: Site) -> Iterator[Installation]:
    needs("mosquitto")
    site.installation.start("broker")
    yield site.installation
    site.installation.kill_all()


def is_refused(installation: Installation, device: Credentials) -> bool:
    with Client(installation.settings, device) as client:
        return bool(client.connect_reason.is_failure)


def test_disabling_cuts_all_devices_off_at_once(
    site: Site, connected: Installation, alice: Browser
) -> None:
    devices = [connected.new_device("bob") for _ in range(2)]
    clients = [Client(connected.settings, device).connect() for device in devices]

    assert act(alice, "bob", "disable").status_code == 302

    wait_until(
        "all devices to be cut off",
        lambda: all(client.disconnect_reason is not None for client in clients),
    )
    assert all(is_refused(connected, device) for device in devices)
    connected.kill("broker")
    connected.start("broker")
    assert all(is_refused(connected, device) for device in devices)

    assert act(alice, "bob", "enable").status_code == 302

    for device in devices:
        with Client(connected.settings, device) as client:
            assert not client.subscribe(down_filter("bob")).is_failure
