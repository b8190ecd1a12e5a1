"""Nobody learns from a login who has an account: to who does not know the password, all names are
answered alike, after the same work."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher, extract_parameters
from werkzeug.test import TestResponse

from chat import accounts
from chat.accounts import account_named
from chat.deletions import begin_deletion
from chat.times import now
from tests.authenticator import turned_on
from tests.people import add_thing
from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, TOKEN, assert_problem

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"
# As long as each other, so that a page that repeats them is, too.
UNKNOWN = "zelda"
KNOWN = {
    "alice": "an account",
    "carol": "was deleted",
    "erwin": "is being deleted",
    "glass": "a thing",
    "heidi": "has a second factor",
}

Ask = Callable[[str], TestResponse]


@pytest.fixture
def site(make_site: MakeSite, password_hash: str) -> Site:
    """With all kinds of account, and limits that nobody reaches."""
    return with_all_kinds(make_site(KATYDID_LOGIN_LIMIT="1000 per hour"), password_hash)


def with_all_kinds(site: Site, password_hash: str) -> Site:
    database = site.installation.database
    site.installation.register("erwin", "heidi")
    execute(site.installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    add_thing(database, "alice", "glass")
    turned_on(database, "heidi")
    leaving = {"password": PASSWORD, "messages": "keep"}
    assert site.program("carol").delete(ME, leaving).status_code == 200
    with database.writing() as sql:
        erwin = account_named(sql, "erwin")
        assert erwin is not None
        begin_deletion(sql, erwin, erases_messages=False, login_id=None, now=now())
    return site


def by_form(site: Site) -> Ask:
    browser = site.browser()
    browser.get("/login")
    return lambda name: browser.send_form("/login", account=name, password="a guess")


def by_basic(site: Site) -> Ask:
    return lambda name: site.program(name, password="a guess").get(ME)


def by_basic_with_a_code(site: Site) -> Ask:
    code = {"Katydid-Code": "123456"}
    return lambda name: site.program(name, password="a guess").get(ME, headers=code)


def by_basic_of_a_device(site: Site) -> Ask:
    return lambda name: site.program(f"{name}.k3v9x2abcdef", password="a guess").get(ME)


@pytest.mark.parametrize(
    ("door", "passwords"),
    [(by_form, 1), (by_basic, 1), (by_basic_with_a_code, 1), (by_basic_of_a_device, 0)],
)
def test_all_names_are_answered_alike_after_the_same_work(
    site: Site, door: Callable[[Site], Ask], passwords: int
) -> None:
    ask = door(site)
    ask("first")  # begins the window of the address

    expected = seen(site, ask, UNKNOWN)
    found = {what: seen(site, ask, name) for name, what in KNOWN.items()}

    assert found == dict.fromkeys(KNOWN.values(), expected)
    assert (expected.status, expected.passwords_compared) == (401, passwords)


@dataclass(frozen=True)
class Seen:
    """An answer, less the name itself and the token of the form, which differ each time; and what
    was done for it."""

    status: int
    headers: list[tuple[str, str]]
    length: int
    body: str
    asked_of_sql: list[str]
    passwords_compared: int


def seen(site: Site, ask: Ask, name: str) -> Seen:
    with site.statements() as asked, hashes() as looked_at:
        response = ask(name)
    return Seen(
        status=response.status_code,
        headers=sorted(response.headers),
        length=len(response.data),
        body=without_token(response.text, name),
        asked_of_sql=asked,
        passwords_compared=len(looked_at),
    )


def without_token(body: str, name: str) -> str:
    return re.sub(TOKEN, "TOKEN", body).replace(name, "NAME")


@contextmanager
def hashes() -> Iterator[list[str]]:
    """Those with which a password is compared within."""
    looked_at: list[str] = []
    verify = PasswordHasher.verify

    def note(hasher: PasswordHasher, known: str, password: str) -> bool:
        looked_at.append(known)
        return verify(hasher, known, password)

    with pytest.MonkeyPatch.context() as watching:
        watching.setattr(PasswordHasher, "verify", note)
        yield looked_at


@pytest.mark.parametrize("door", [by_form, by_basic])
def test_the_limit_comes_as_soon_for_a_name_that_nobody_has(
    make_site: MakeSite, password_hash: str, door: Callable[[Site], Ask]
) -> None:
    # Of all names together there are ten times as many: enough for these.
    site = with_all_kinds(make_site(KATYDID_LOGIN_LIMIT="1 per hour"), password_hash)
    ask = door(site)

    def answers(name: str) -> list[tuple[int, str]]:
        responses = [ask(name) for _ in range(2)]
        return [(each.status_code, without_token(each.text, name)) for each in responses]

    expected = answers(UNKNOWN)

    assert [status for status, _ in expected] == [401, 429]
    for name, what in KNOWN.items():
        assert answers(name) == expected, what


def test_who_may_not_know_is_told_of_no_second_factor(site: Site) -> None:
    """Only the right password leads to the question for a code."""
    for name in (UNKNOWN, "heidi"):
        browser = site.browser()
        browser.get("/login")
        browser.send_form("/login", account=name, password="a guess")

        assert browser.get("/login/code").location == "/login"
    assert_problem(site.program("heidi").get(ME), 401, says="second factor")


def test_a_name_that_nobody_has_costs_a_hash_like_any_other() -> None:
    """From the first one on: with the parameters of a new password."""
    hash_of_nobody = accounts._NOBODYS_HASH

    assert extract_parameters(hash_of_nobody) == extract_parameters(PasswordHasher().hash("any"))
    assert not accounts._is_password_of(hash_of_nobody, "any")
