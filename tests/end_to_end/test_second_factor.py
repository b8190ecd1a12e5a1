"""The second factor on the pages: set up, asked for at the login, and turned off; and the logins,
which one ends from elsewhere."""

import pytest
from playwright.sync_api import Locator, expect

from tests.authenticator import Authenticator
from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.test_accessibility import Checker

NEW_PASSWORD = "a whole new battery"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_second_factor_is_set_up_asked_for_and_turned_off(
    new_person: NewPerson, scheme: str
) -> None:
    alice, checker = new_person("alice", color_scheme=scheme), Checker(scheme)
    alice.page.set_viewport_size({"width": 360, "height": 740})

    app = _turn_on(alice, checker)
    recovery_code = app.recovery_codes[0]
    _log_out(alice)

    _begin_to_log_in(alice)
    checker.check(alice, "the question for a code")
    _send_code(alice, "Code", app.wrong_code())
    expect(alice.page.get_by_role("alert")).to_contain_text("The code is wrong")
    checker.check(alice, "a wrong code")
    _send_code(alice, "Code", app.next_code())
    alice.wait_until_online()
    _log_out(alice)

    _begin_to_log_in(alice)
    alice.page.get_by_role("link", name="Use a recovery code").click()
    checker.check(alice, "the question for a recovery code")
    _send_code(alice, "Recovery code", recovery_code)
    alice.wait_until_online()
    _log_out(alice)
    _begin_to_log_in(alice)
    alice.page.get_by_role("link", name="Use a recovery code").click()
    _send_code(alice, "Recovery code", recovery_code)
    expect(alice.page.get_by_role("alert")).to_contain_text("was used before")
    _send_code(alice, "Recovery code", app.recovery_codes[1])
    alice.wait_until_online()

    _turn_off(alice, app, checker)
    _log_out(alice)
    alice.log_in()
    assert checker.wrong == []


@pytest.mark.parametrize("width", [360, 1440])
def test_a_new_password_and_the_end_of_the_account_take_a_code(
    new_person: NewPerson, width: int
) -> None:
    alice, checker = new_person("alice", color_scheme="light"), Checker("light")
    page = alice.page
    page.set_viewport_size({"width": width, "height": 900})
    alice.visit("/settings")
    form = page.locator("[data-password-form]")
    expect(form.get_by_label("Code, of the app")).to_be_hidden()
    app = _turn_on(alice, checker)

    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_label("New password").fill(NEW_PASSWORD)
    form.get_by_label("Code, of the app").fill(app.wrong_code())
    form.get_by_role("button", name="Change").click()
    expect(page.locator("[data-password-problem]")).to_contain_text("The code is wrong")
    checker.check(alice, "a new password with a wrong code")
    form.get_by_label("Code, of the app").fill(app.recovery_codes[0])
    form.get_by_role("button", name="Change").click()
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    expect(page.get_by_text("Recovery codes left: 9.")).to_be_visible()

    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Leave them with those I wrote to").check()
    dialog.get_by_label("Password").fill(NEW_PASSWORD)
    dialog.get_by_label("Code, of the app").fill(app.wrong_code())
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The code is wrong")
    checker.check(alice, "a deletion with a wrong code")
    dialog.get_by_label("Code, of the app").fill(app.recovery_codes[1])
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(dialog.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    assert checker.wrong == []


def test_a_browser_is_logged_out_from_another(new_visitor: NewPerson, alice: Person) -> None:
    at_work = new_visitor("alice", user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
    at_work.log_in()
    alice.visit("/settings")
    expect(_login(alice, "Chrome on Linux")).to_contain_text("this login")
    expect(_login(alice, "Firefox on Windows")).to_contain_text("last seen today at")

    alice.page.get_by_role("button", name="Log out Firefox on Windows").click()

    expect(alice.page.get_by_text("Firefox on Windows is logged out.")).to_be_visible()
    expect(alice.page.get_by_role("heading", name="Logins")).to_be_focused()
    expect(_login(alice, "Firefox on Windows")).to_have_count(0)
    expect(alice.page.locator("[data-device]", has_text="Firefox on Windows")).to_have_count(0)
    expect(at_work.page.get_by_role("heading", name="This browser was signed out")).to_be_visible()

    at_work.log_in()
    alice.page.reload()
    alice.page.get_by_role("button", name="Log out everywhere else").click()
    expect(alice.page.get_by_text("1 other browser is logged out.")).to_be_visible()
    expect(alice.page.get_by_role("button", name="Log out everywhere else")).to_be_hidden()
    expect(at_work.page.get_by_role("heading", name="This browser was signed out")).to_be_visible()


def _turn_on(alice: Person, checker: Checker) -> Authenticator:
    """By keyboard alone."""
    alice.visit("/settings")
    expect(alice.page.get_by_text("It is off.")).to_be_visible()
    alice.page.get_by_role("button", name="Turn on…").press("Enter")
    dialog = alice.page.get_by_role("dialog")
    expect(dialog.get_by_label("Password")).to_be_focused()
    alice.page.keyboard.type("a wrong guess")
    alice.page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("The present password is wrong.")
    checker.check(alice, "asked for the password")
    dialog.get_by_label("Password").fill(PASSWORD)
    alice.page.keyboard.press("Enter")

    expect(alice.page.get_by_role("img", name="QR code")).to_be_visible()
    checker.check(alice, "the secret")
    app = Authenticator(dialog.locator("[data-part=secret]").inner_text())
    expect(dialog.get_by_label("Code that the app shows now")).to_be_focused()
    alice.page.keyboard.type(app.wrong_code())
    alice.page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("The code is wrong")
    dialog.get_by_label("Code that the app shows now").fill(app.code())
    alice.page.keyboard.press("Enter")

    expect(dialog.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    checker.check(alice, "recovery codes")
    app.recovery_codes = dialog.locator("[data-part=codes]").inner_text().split()
    dialog.get_by_role("button", name="I have kept them").press("Enter")
    expect(alice.page.get_by_text("It is on. Recovery codes left: 10.")).to_be_visible()
    expect(alice.page.get_by_role("heading", name="Second factor")).to_be_focused()
    checker.check(alice, "a second factor that is on")
    return app


def _turn_off(alice: Person, app: Authenticator, checker: Checker) -> None:
    """With recovery codes that were made anew, as who has lost the app does."""
    alice.visit("/settings")
    alice.page.get_by_role("button", name="New recovery codes…").click()
    _prove(alice, app.recovery_codes[2], "Make new ones")
    dialog = alice.page.get_by_role("dialog")
    codes = dialog.locator("[data-part=codes]").inner_text().split()
    dialog.get_by_role("button", name="I have kept them").click()

    alice.page.get_by_role("button", name="Turn off…").click()
    checker.check(alice, "asked for password and code")
    _prove(alice, app.recovery_codes[3], "Turn off")
    expect(dialog.get_by_role("alert")).to_contain_text("The code is wrong")
    _prove(alice, codes[0], "Turn off")
    expect(alice.page.get_by_text("The second factor is off.")).to_be_visible()
    expect(alice.page.get_by_text("It is off.")).to_be_visible()


def _prove(alice: Person, code: str, button: str) -> None:
    dialog = alice.page.get_by_role("dialog")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_label("Code, of the app or a recovery code").fill(code)
    dialog.get_by_role("button", name=button).click()


def _log_out(alice: Person) -> None:
    alice.visit("/settings")
    alice.page.get_by_role("button", name="Log out", exact=True).click()
    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()


def _begin_to_log_in(alice: Person) -> None:
    alice.visit("/login")
    alice.page.get_by_label("Account name").fill(alice.account)
    alice.page.get_by_label("Password").fill(PASSWORD)
    alice.page.get_by_role("button", name="Log in").click()
    expect(alice.page.get_by_role("heading", name="One more step")).to_be_visible()


def _send_code(alice: Person, label: str, code: str) -> None:
    alice.page.get_by_label(label, exact=True).fill(code)
    alice.page.get_by_role("button", name="Log in").click()


def _login(person: Person, name: str) -> Locator:
    return person.page.locator("[data-login]", has_text=name)
