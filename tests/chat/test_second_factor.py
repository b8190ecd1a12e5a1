"""The second factor: which codes are taken, and that each is taken once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import text

from chat.accounts import account_named
from chat.database import Database
from chat.errors import NoSecondFactor, SecondFactorIsOn, WrongCode
from chat.models import Account
from chat.second_factor import (
    confirm_secret,
    has_second_factor,
    new_recovery_codes,
    offer_secret,
    recovery_codes_left,
    secret_url,
    turn_off,
    use_code,
)

pytestmark = pytest.mark.both_databases

T0 = datetime(2026, 11, 26, 12, 0, 15, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
# The secret of RFC 6238, appendix B, in base32.
OF_THE_RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def account(people: Database, name: str) -> Account:
    with people.reading() as session:
        found = account_named(session, name)
    assert found is not None
    return found


@pytest.fixture
def alice(people: Database) -> Account:
    return account(people, "alice")


@pytest.fixture
def secret(people: Database, alice: Account) -> str:
    """Offered, and not confirmed yet."""
    with people.writing() as session:
        return offer_secret(session, alice)


@pytest.fixture
def recovery_codes(people: Database, alice: Account, secret: str) -> list[str]:
    """It is on since T0."""
    with people.writing() as session:
        return confirm_secret(session, alice, pyotp.TOTP(secret).at(T0), T0)


def is_taken(people: Database, alice: Account, code: str, at: datetime) -> bool:
    try:
        with people.writing() as session:
            use_code(session, alice, code, at)
    except WrongCode:
        return False
    return True


def is_on(people: Database, alice: Account) -> bool:
    with people.reading() as session:
        return has_second_factor(session, alice)


def test_it_is_on_once_a_code_has_shown_that_the_app_has_the_secret(
    people: Database, alice: Account, secret: str
) -> None:
    wrong = pyotp.TOTP(pyotp.random_base32()).at(T0)

    with pytest.raises(WrongCode), people.writing() as session:
        confirm_secret(session, alice, wrong, T0)
    assert not is_on(people, alice)

    with people.writing() as session:
        codes = confirm_secret(session, alice, pyotp.TOTP(secret).at(T0), T0)
    assert is_on(people, alice)
    assert len(set(codes)) == 10
    assert not is_taken(people, alice, pyotp.TOTP(secret).at(T0), T0)


def test_codes_are_those_of_the_standard(people: Database, alice: Account, secret: str) -> None:
    """The last six digits of what RFC 6238, appendix B, has for SHA-1."""
    with people.writing() as session:
        words = "UPDATE second_factor SET secret = :secret"
        session.connection().execute(text(words), {"secret": OF_THE_RFC})
    times = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924"}

    for number, (seconds, code) in enumerate(times.items()):
        at = datetime.fromtimestamp(seconds, UTC)
        if number == 0:
            with people.writing() as session:
                confirm_secret(session, alice, code, at)
        else:
            assert is_taken(people, alice, code, at)


@pytest.mark.parametrize(
    ("seconds", "is_good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_clocks_may_differ_by_one_step(
    people: Database,
    alice: Account,
    secret: str,
    recovery_codes: list[str],
    seconds: int,
    is_good: bool,
) -> None:
    code = pyotp.TOTP(secret).at(LATER + timedelta(seconds=seconds))

    assert is_taken(people, alice, code, LATER) is is_good


def test_a_code_is_taken_once_and_none_before_it(
    people: Database, alice: Account, secret: str, recovery_codes: list[str]
) -> None:
    app = pyotp.TOTP(secret)

    assert is_taken(people, alice, f" {app.at(LATER)[:3]} {app.at(LATER)[3:]}\n", LATER)

    assert not is_taken(people, alice, app.at(LATER), LATER)
    assert not is_taken(people, alice, app.at(LATER, counter_offset=-1), LATER)
    assert is_taken(people, alice, app.at(LATER, counter_offset=1), LATER)


@pytest.mark.parametrize("by_recovery_code", [False, True])
def test_of_many_who_come_with_a_code_at_once_one_is_let_in(
    people: Database,
    alice: Account,
    secret: str,
    recovery_codes: list[str],
    by_recovery_code: bool,
) -> None:
    code = recovery_codes[0] if by_recovery_code else pyotp.TOTP(secret).at(LATER)

    with ThreadPoolExecutor(4) as several:
        taken = list(several.map(lambda _: is_taken(people, alice, code, LATER), range(8)))

    assert sum(taken) == 1


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-1", "\0", "½" * 6, "x" * 10_000, "\ud800"],
)
def test_what_is_no_code_is_wrong(
    people: Database, alice: Account, recovery_codes: list[str], code: str
) -> None:
    assert not is_taken(people, alice, code, LATER)


def test_each_recovery_code_is_good_once_however_it_is_typed(
    people: Database, alice: Account, recovery_codes: list[str]
) -> None:
    first, second, *_ = recovery_codes

    assert is_taken(people, alice, first, LATER)
    assert not is_taken(people, alice, first, LATER)
    assert is_taken(people, alice, second.upper().replace("-", " "), LATER)
    with people.reading() as session:
        assert recovery_codes_left(session, alice) == 8


def test_new_recovery_codes_take_the_place_of_those_before(
    people: Database, alice: Account, recovery_codes: list[str]
) -> None:
    with people.writing() as session:
        new = new_recovery_codes(session, alice)

    assert not is_taken(people, alice, recovery_codes[0], LATER)
    assert is_taken(people, alice, new[0], LATER)


def test_the_codes_of_one_account_open_no_other(
    people: Database, alice: Account, secret: str, recovery_codes: list[str]
) -> None:
    bob = account(people, "bob")
    with people.writing() as session:
        bobs = offer_secret(session, bob)
    with people.writing() as session:
        confirm_secret(session, bob, pyotp.TOTP(bobs).at(T0), T0)

    assert not is_taken(people, bob, recovery_codes[0], LATER)
    assert not is_taken(people, bob, pyotp.TOTP(secret).at(LATER), LATER)
    assert is_taken(people, alice, recovery_codes[0], LATER)


def test_while_it_is_on_no_other_app_is_set_up(
    people: Database, alice: Account, recovery_codes: list[str]
) -> None:
    with pytest.raises(SecondFactorIsOn), people.writing() as session:
        offer_secret(session, alice)


def test_a_secret_that_was_offered_again_is_not_confirmed(
    people: Database, alice: Account, secret: str
) -> None:
    with people.writing() as session:
        newer = offer_secret(session, alice)

    with pytest.raises(WrongCode), people.writing() as session:
        confirm_secret(session, alice, pyotp.TOTP(secret).at(T0), T0)
    with people.writing() as session:
        confirm_secret(session, alice, pyotp.TOTP(newer).at(T0), T0)
    with pytest.raises(SecondFactorIsOn), people.writing() as session:
        confirm_secret(session, alice, pyotp.TOTP(newer).at(LATER), LATER)


def test_when_it_is_off_nothing_is_left_of_it(
    people: Database, alice: Account, secret: str, recovery_codes: list[str]
) -> None:
    for _ in range(2):
        with people.writing() as session:
            turn_off(session, alice)

    assert not is_on(people, alice)
    with people.reading() as session:
        assert recovery_codes_left(session, alice) == 0
    with pytest.raises(NoSecondFactor), people.writing() as session:
        use_code(session, alice, pyotp.TOTP(secret).at(LATER), LATER)
    with pytest.raises(NoSecondFactor), people.writing() as session:
        confirm_secret(session, alice, pyotp.TOTP(secret).at(LATER), LATER)


def test_an_app_lists_it_by_account_and_host() -> None:
    url = secret_url(OF_THE_RFC, "alice", host="chat.example")

    assert url == (
        "otpauth://totp/Katydid:alice%40chat.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Katydid"
    )
