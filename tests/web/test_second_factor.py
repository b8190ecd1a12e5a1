"""The second factor at the site: what a password alone opens no more, and who may change it."""

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.authenticator import Authenticator, turned_on
from tests.people import add_device, add_thing
from tests.web.conftest import MakeSite
from tests.web.site import Site
from tests.web.visitor import PASSWORD, Browser, assert_problem
from web.half_way import LASTS

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
SECOND_FACTOR = "/api/v1/second-factor"
NEW_PASSWORD = "a whole new battery"


@pytest.fixture
def app(site: Site) -> Authenticator:
    """Alice's; her second factor is on."""
    return turned_on(site.installation.database, "alice")


def half_way(
    site: Site, *, address: str = "192.0.2.1", account: str = "alice", **fields: str
) -> Browser:
    """A browser in which Alice's password was right, or another's."""
    browser = site.browser(address=address)
    browser.get("/login")
    response = browser.send_form("/login", account=account, password=PASSWORD, **fields)
    assert response.status_code == 302
    assert response.location.startswith("/login/code")
    assert browser.get(response.location).status_code == 200
    return browser


def half_way_again(browser: Browser) -> Browser:
    """Alice's password was right there, after another login was ended."""
    browser.get("/")
    assert browser.send_form("/logout").location == "/login"
    browser.get("/login")
    response = browser.send_form("/login", account="alice", password=PASSWORD)
    assert response.location.startswith("/login/code")
    browser.get(response.location)
    return browser


def known_and_half_way(site: Site, app: Authenticator) -> Browser:
    """The same in a browser in which a code was right before."""
    browser = half_way(site)
    assert send_code(browser, app.code()).status_code == 302
    return half_way_again(browser)


def send_code(browser: Browser, code: str, **fields: str) -> TestResponse:
    return browser.send_form("/login/code", code=code, **fields)


# Logging in.


def test_the_password_alone_logs_nobody_in(site: Site, app: Authenticator) -> None:
    browser = half_way(site)

    assert_problem(browser.get(ME), 401)
    assert browser.get("/").location == "/login"
    assert browser.get("/settings").status_code == 302
    assert browser.get("/login").status_code == 200
    assert site.installation.rows("SELECT 1 FROM login") == []


def test_a_code_ends_the_login_at_the_page_that_was_asked_for(
    site: Site, app: Authenticator
) -> None:
    browser = half_way(site, next="/settings")
    assert 'value="/settings"' in browser.get("/login/code?next=/settings").text

    response = send_code(browser, app.code(), next="/settings")

    assert (response.status_code, response.location) == (302, "/settings")
    assert browser.get(ME).get_json()["account"] == "alice"
    assert browser.get("/login/code").location == "/login"


def test_a_code_logs_one_browser_in(site: Site, app: Authenticator) -> None:
    first, second = half_way(site), half_way(site)
    code = app.code()

    assert send_code(first, code).status_code == 302
    refused = send_code(second, code)

    assert refused.status_code == 403
    assert "was used before" in refused.text
    assert send_code(second, app.next_code()).status_code == 302


def test_a_recovery_code_logs_in_once(site: Site, app: Authenticator) -> None:
    first, second = half_way(site), half_way(site)
    code = app.recovery_codes[0]

    assert send_code(first, code, recovery="yes").status_code == 302
    refused = send_code(second, code, recovery="yes")

    assert refused.status_code == 403
    assert "Recovery code" in refused.text
    state = first.get(SECOND_FACTOR).get_json()
    assert state == {"on": True, "recovery_codes_left": 9}


def test_without_the_password_no_code_is_asked_for(site: Site, app: Authenticator) -> None:
    browser = site.browser()
    browser.get("/login")

    assert browser.get("/login/code?next=/settings").location == "/login?next=/settings"
    assert send_code(browser, app.code()).location == "/login"
    assert_problem(browser.get(ME), 401)


def test_a_right_password_is_forgotten_after_five_minutes(site: Site, app: Authenticator) -> None:
    old, older = half_way(site), half_way(site)
    for browser, minutes in ((old, 4), (older, 6)):
        _let_pass(site, browser, timedelta(minutes=minutes))

    assert timedelta(minutes=4) < LASTS < timedelta(minutes=6)
    assert send_code(older, app.code()).location == "/login"
    assert send_code(old, app.code()).location == "/"


def _let_pass(site: Site, browser: Browser, time: timedelta) -> None:
    """As a browser whose password was right so long ago."""
    signed: Any = site.app.session_interface.get_signing_serializer(site.app)  # type: ignore[attr-defined]
    content = signed.loads(browser.cookie())
    account_id, digest, at = content["half_way"]
    content["half_way"] = [account_id, digest, at - time // timedelta(milliseconds=1)]
    browser.set_cookie(signed.dumps(content))


def test_a_new_password_ends_logins_that_are_half_way(site: Site, app: Authenticator) -> None:
    here, there = half_way(site), half_way(site)
    assert send_code(here, app.code()).status_code == 302
    here.get("/")

    words = {"password": PASSWORD, "new_password": NEW_PASSWORD, "code": app.recovery_codes[0]}
    assert here.call("PUT", f"{ME}/password", words).status_code == 200

    assert send_code(there, app.next_code()).location == "/login"
    assert here.get(ME).status_code == 200


def test_a_deleted_account_is_not_logged_in_to_by_who_was_half_way(
    site: Site, app: Authenticator
) -> None:
    here, there = half_way(site), half_way(site)
    send_code(here, app.code())
    here.get("/")

    words = {"password": PASSWORD, "messages": "keep", "code": app.next_code()}
    assert here.call("DELETE", ME, words).status_code == 200

    assert send_code(there, app.recovery_codes[0]).location == "/login"
    for table in ("second_factor", "recovery_code"):
        assert site.installation.rows(f"SELECT 1 FROM {table}") == []


def test_who_is_half_way_when_it_is_turned_off_begins_anew(site: Site, app: Authenticator) -> None:
    here, there = half_way(site), half_way(site)
    send_code(here, app.code())
    here.get("/")
    proof = {"password": PASSWORD, "code": app.recovery_codes[0]}
    assert here.call("DELETE", SECOND_FACTOR, proof).status_code == 204

    assert send_code(there, app.next_code()).location == "/login"
    assert there.log_in("alice").get(ME).status_code == 200


def test_guesses_at_codes_are_limited_wherever_they_come_from(make_site: MakeSite) -> None:
    """And neither the right password nor the right code begins the counting anew."""
    site = make_site(KATYDID_LOGIN_LIMIT="3 per hour")
    app = turned_on(site.installation.database, "alice")
    wrong = app.wrong_code()
    guesses = [
        send_code(half_way(site, address=f"192.0.2.{number}"), wrong).status_code
        for number in range(10, 13)
    ]

    late = send_code(half_way(site, address="192.0.2.99"), app.code())

    assert guesses == [403] * 3
    assert late.status_code == 429
    # For ten times as long as a password.
    assert 35_000 <= int(late.headers["Retry-After"]) <= 36_000
    program = site.program("alice", address="192.0.2.98")
    assert_problem(program.get(ME, headers={"Katydid-Code": app.code()}), 429)


def test_guesses_at_an_offered_secret_are_limited_and_no_others_count(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="3 per hour")
    app = turned_on(site.installation.database, "alice")
    alice, bob = half_way(site), site.browser().log_in("bob")
    send_code(alice, app.code())
    alice.get("/")
    bob.call("POST", SECOND_FACTOR, {"password": PASSWORD})

    def guess(browser: Browser) -> int:
        return browser.call("PUT", SECOND_FACTOR, {"code": app.wrong_code()}).status_code

    assert [guess(bob) for _ in range(4)] == [403, 403, 403, 429]
    assert [guess(alice) for _ in range(4)] == [409] * 4
    assert send_code(half_way(site, address="192.0.2.9"), app.next_code()).status_code == 302


def test_one_address_that_guesses_uses_up_no_attempts_of_another(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="4 per hour")
    app = turned_on(site.installation.database, "alice")
    guessing = half_way(site, address="192.0.2.66")

    guesses = [send_code(guessing, app.wrong_code()).status_code for _ in range(4)]

    assert guesses == [403, 403, 429, 429]
    assert send_code(half_way(site), app.code()).location == "/"


def test_while_all_attempts_are_used_up_the_owner_comes_in_with_a_known_browser_or_a_recovery_code(
    make_site: MakeSite,
) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="4 per hour")
    app = turned_on(site.installation.database, "alice")
    known = known_and_half_way(site, app)
    strangers = [half_way(site, address=f"192.0.2.{number}") for number in (66, 67, 68)]
    guesses = [send_code(each, app.wrong_code()).status_code for each in strangers * 2]
    assert guesses == [403, 403, 403, 429, 429, 429]  # the owner's own was the first of the four
    elsewhere = half_way(site, address="192.0.2.10")
    assert send_code(elsewhere, app.next_code()).status_code == 429

    assert send_code(elsewhere, app.recovery_codes[0], recovery="yes").location == "/"
    assert send_code(known, app.next_code()).location == "/"


def test_in_a_known_browser_too_guesses_are_limited_and_by_no_more_than_elsewhere(
    make_site: MakeSite,
) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="4 per hour")
    app = turned_on(site.installation.database, "alice")
    known = known_and_half_way(site, app)

    guesses = [send_code(known, app.wrong_code()).status_code for _ in range(5)]

    assert guesses == [403] * 4 + [429]


def test_a_browser_is_known_by_a_signed_cookie_of_the_account_alone(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="4 per hour")
    app = turned_on(site.installation.database, "alice")
    bobs = turned_on(site.installation.database, "bob")
    other, forged = half_way(site, account="bob"), half_way(site, address="192.0.2.66")
    assert send_code(other, bobs.code()).status_code == 302
    half_way_again(other)
    forged.set_cookie("WzEsImFiY2RlZiJd.aSdW5w.nonsense", name="katydid-known")

    for browser in (other, forged):
        guesses = [send_code(browser, app.wrong_code()).status_code for _ in range(3)]

        assert guesses == [403, 403, 429]


def test_guesses_at_recovery_codes_are_limited_by_address(make_site: MakeSite) -> None:
    site = make_site(KATYDID_LOGIN_LIMIT="3 per hour")
    app = turned_on(site.installation.database, "alice")
    guessing = half_way(site, address="192.0.2.66")

    guesses = [send_code(guessing, "aaaa-bbbb-cccc-dddd").status_code for _ in range(4)]

    assert guesses == [403] * 3 + [429]
    assert send_code(half_way(site), app.recovery_codes[0]).location == "/"


# What cannot be taken back.


def changes(**more: str) -> list[tuple[str, str, dict[str, str]]]:
    """A new password, and the end of the account."""
    return [
        ("PUT", f"{ME}/password", {"password": PASSWORD, "new_password": NEW_PASSWORD, **more}),
        ("DELETE", ME, {"password": PASSWORD, "messages": "keep", **more}),
    ]


def test_a_browser_that_is_logged_in_needs_a_code_beside_the_password(
    site: Site, app: Authenticator
) -> None:
    here = half_way(site)
    send_code(here, app.code())
    here.get("/")

    for call in changes():
        assert_problem(here.call(*call), 422, field="code")
    for call in changes(code=app.wrong_code()):
        assert_problem(here.call(*call), 403, says="The code is wrong")
    for method, path, body in changes(code=app.recovery_codes[0]):
        assert_problem(here.call(method, path, body | {"password": "a guess"}), 403)
    bad = {"password": PASSWORD, "new_password": "short", "code": app.recovery_codes[0]}
    assert_problem(here.call("PUT", f"{ME}/password", bad), 422, field="new_password")

    [new_password, deletion] = changes(code=app.recovery_codes[0])  # which nothing has used up
    assert here.call(*new_password).status_code == 200
    method, path, body = deletion
    asked = body | {"password": NEW_PASSWORD, "code": app.recovery_codes[1]}
    assert here.call(method, path, asked).status_code == 200


def test_so_does_a_device_that_comes_to_the_api(site: Site, app: Authenticator) -> None:
    installation = site.installation
    device = add_device(installation.database, installation.secrets, "alice")
    program = site.program(device.user_name, password=device.password)

    for method, path, body in changes():
        assert_problem(program.open(method, path, json=body), 422, field="code")


def test_a_program_that_came_with_password_and_code_gives_no_other(
    site: Site, app: Authenticator
) -> None:
    [(_, path, new_password), (_, me, deletion)] = changes()
    first, second = ({"Katydid-Code": code} for code in app.recovery_codes[:2])

    before = site.program("alice")
    assert before.open("PUT", path, json=new_password, headers=first).status_code == 200
    after, deletion["password"] = site.program("alice", password=NEW_PASSWORD), NEW_PASSWORD
    assert after.open("DELETE", me, json=deletion, headers=second).status_code == 200


def test_without_a_second_factor_no_code_is_asked_for(site: Site) -> None:
    here = site.browser().log_in("alice")

    [new_password, (method, path, body)] = changes()
    assert here.call(*new_password).status_code == 200
    assert here.call(method, path, body | {"password": NEW_PASSWORD}).status_code == 200


# Programs.


def test_a_program_needs_a_code_beside_the_password(site: Site, app: Authenticator) -> None:
    alice, code = site.program("alice"), app.code()

    without = alice.get(ME)
    wrong = alice.get(ME, headers={"Katydid-Code": app.wrong_code()})
    right = alice.get(ME, headers={"Katydid-Code": code})
    again = alice.get(ME, headers={"Katydid-Code": code})

    assert_problem(without, 401, says="send a code of it in the header Katydid-Code")
    assert without.get_json()["type"] == "urn:katydid:problem:code-needed"
    assert without.headers["WWW-Authenticate"] == 'Basic realm="Katydid"'
    assert_problem(wrong, 401, says="is wrong, or was used before")
    assert right.get_json()["account"] == "alice"
    assert_problem(again, 401, says="is wrong, or was used before")
    recovered = alice.get(ME, headers={"Katydid-Code": app.recovery_codes[3]})
    assert recovered.status_code == 200


def test_devices_have_credentials_of_their_own_and_need_no_code(
    site: Site, app: Authenticator
) -> None:
    installation = site.installation
    device = add_device(installation.database, installation.secrets, "alice")

    answer = site.program(device.user_name, password=device.password).get(ME)

    assert answer.get_json()["account"] == "alice"


def test_a_right_code_beside_a_wrong_password_opens_nothing_and_stays_good(
    site: Site, app: Authenticator
) -> None:
    code = {"Katydid-Code": app.code()}

    wrong = site.program("alice", password="a guess").get(ME, headers=code)

    assert_problem(wrong, 401, says="Log in first")
    assert site.program("alice").get(ME, headers=code).status_code == 200


# Setting it up, and turning it off.


def test_it_is_set_up_by_a_code_of_the_secret(site: Site) -> None:
    browser = site.browser().log_in("alice")
    assert browser.get(SECOND_FACTOR).get_json() == {"on": False, "recovery_codes_left": 0}

    offered = browser.call("POST", SECOND_FACTOR, {"password": PASSWORD})
    told = offered.get_json()
    assert offered.status_code == 201
    assert told["url"] == (
        f"otpauth://totp/Katydid:alice%40localhost?secret={told['secret']}&issuer=Katydid"
    )
    assert told["qr"].startswith("data:image/svg+xml")
    assert site.program("alice").get(ME).status_code == 200  # nothing is asked for yet

    app = Authenticator(told["secret"])
    assert_problem(browser.call("PUT", SECOND_FACTOR, {"code": app.wrong_code()}), 403)
    codes = browser.call("PUT", SECOND_FACTOR, {"code": app.code()}).get_json()["recovery_codes"]

    assert len(set(codes)) == 10
    assert browser.get(SECOND_FACTOR).get_json() == {"on": True, "recovery_codes_left": 10}
    assert_problem(site.program("alice").get(ME), 401, says="second factor")
    assert browser.get(ME).status_code == 200  # who is logged in, stays so


def test_new_recovery_codes_and_the_end_of_it_need_the_password_and_a_code(
    site: Site, app: Authenticator
) -> None:
    browser = half_way(site)
    send_code(browser, app.code())
    browser.get("/")
    calls = [("POST", f"{SECOND_FACTOR}/recovery-codes"), ("DELETE", SECOND_FACTOR)]
    good = app.recovery_codes[0]

    for method, path in calls:
        for wrong in (
            {"password": "a guess", "code": good},
            {"password": PASSWORD, "code": app.wrong_code()},
        ):
            assert_problem(browser.call(method, path, wrong), 403)
        for field in ("password", "code"):
            body = {"password": PASSWORD, "code": good, field: None}
            assert_problem(browser.call(method, path, body), 422, field=field)
    renewed = browser.call(*calls[0], {"password": PASSWORD, "code": good}).get_json()
    assert_problem(
        browser.call(*calls[1], {"password": PASSWORD, "code": app.recovery_codes[1]}), 403
    )
    proof = {"password": PASSWORD, "code": renewed["recovery_codes"][0]}
    assert browser.call(*calls[1], proof).status_code == 204

    assert site.program("alice").get(ME).status_code == 200
    assert_problem(browser.call(*calls[0], proof), 404, says="set it up first")


def test_it_is_set_up_by_who_knows_the_password_and_not_while_it_is_on(
    site: Site, app: Authenticator
) -> None:
    bob = site.browser().log_in("bob")
    assert_problem(bob.call("POST", SECOND_FACTOR, {"password": "a guess"}), 403)
    assert_problem(bob.call("PUT", SECOND_FACTOR, {"code": "123456"}), 404)
    alice = half_way(site)
    send_code(alice, app.code())
    alice.get("/")

    assert_problem(alice.call("POST", SECOND_FACTOR, {"password": PASSWORD}), 409)
    assert_problem(alice.call("PUT", SECOND_FACTOR, {"code": app.next_code()}), 409)


def test_a_thing_has_none(site: Site) -> None:
    installation = site.installation
    add_thing(installation.database, "alice", "doorbell")
    device = add_device(installation.database, installation.secrets, "doorbell")

    answer = site.program(device.user_name, password=device.password).get(SECOND_FACTOR)

    assert_problem(answer, 403)
