"""Logging in and out, and who is recognised by what."""

import pytest

from tests.web.conftest import MakeSite
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD, assert_problem

pytestmark = pytest.mark.both_databases

ME = "/api/v1/accounts/me"


def test_a_person_logs_in_and_out(site: Site) -> None:
    browser = site.browser().log_in("alice")

    assert browser.get("/").status_code == 200
    assert browser.get(ME).get_json()["account"] == "alice"

    response = browser.send_form("/logout")

    assert (response.status_code, response.location) == (302, "/login")
    assert_problem(browser.get(ME), 401)


@pytest.mark.parametrize(
    ("account", "password"),
    [
        ("alice", "wrong password"),
        ("zed", PASSWORD),
        ("alicia", PASSWORD),
        ("alice", ""),
        ("", ""),
        ("alice", "\0" * 20),
        ("x" * 10_000, PASSWORD),
    ],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(
    site: Site, account: str, password: str
) -> None:
    browser = site.browser()
    browser.get("/login")

    response = browser.send_form("/login", account=account, password=password)

    assert response.status_code == 401
    assert "The account name or the password is wrong." in response.text
    assert_problem(browser.get(ME), 401)


def test_a_failed_login_keeps_the_name_and_never_the_password(site: Site) -> None:
    browser = site.browser()
    browser.get("/login")

    response = browser.send_form("/login", account="alicia", password="my secret words")

    assert "alicia" in response.text
    assert "my secret words" not in response.text


def test_a_login_begins_a_new_session(site: Site) -> None:
    """Who planted a cookie in the browser before must not be in its session afterwards."""
    browser, attacker = site.browser(), site.browser()
    browser.get("/login")
    planted, planted_token = browser.cookie(), browser.token
    assert planted is not None

    browser.log_in("alice")

    assert browser.cookie() != planted
    assert browser.token != planted_token
    attacker.set_cookie(planted)
    assert_problem(attacker.get(ME), 401)


def test_logging_out_ends_every_copy_of_the_cookie(site: Site) -> None:
    browser, thief = site.browser().log_in("alice"), site.browser()
    stolen = browser.cookie()
    assert stolen is not None
    thief.set_cookie(stolen)
    assert thief.get(ME).status_code == 200

    browser.send_form("/logout")

    assert_problem(thief.get(ME), 401)


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/settings", "/settings"),
        ("/settings?tab=devices", "/settings?tab=devices"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        (" //evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("settings", "/"),
    ],
)
def test_a_login_leads_on_to_our_own_pages_alone(site: Site, asked: str, led_to: str) -> None:
    browser = site.browser()
    browser.get("/login")

    response = browser.send_form("/login", account="alice", password=PASSWORD, next=asked)

    assert (response.status_code, response.location) == (302, led_to)


@pytest.mark.parametrize(
    ("page", "led_to"),
    [("/", "/login"), ("/settings", "/login?next=/settings")],
)
def test_a_page_for_members_leads_others_to_the_login(site: Site, page: str, led_to: str) -> None:
    response = site.browser().get(page)

    assert (response.status_code, response.location) == (302, led_to)


@pytest.mark.parametrize("page", ["/login", "/register"])
def test_who_is_logged_in_is_led_to_the_chat(site: Site, page: str) -> None:
    response = site.browser().log_in("alice").get(page)

    assert (response.status_code, response.location) == (302, "/")


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("http://chat.example", "katydid", False), ("https://chat.example", "__Host-katydid", True)],
)
def test_the_session_cookie_lasts_30_days_and_is_for_the_site_alone(
    make_site: MakeSite, public_url: str, name: str, secure: bool
) -> None:
    browser = make_site(KATYDID_PUBLIC_URL=public_url).browser()
    response = browser.get("/login")

    [cookie] = response.headers.getlist("Set-Cookie")

    assert cookie.startswith(f"{name}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is secure

    if not secure:
        response = browser.send_form("/login", account="alice", password=PASSWORD)
        [cookie] = response.headers.getlist("Set-Cookie")
        assert "Expires=" in cookie


def test_only_a_login_changes_the_cookie(site: Site) -> None:
    """Of two answers under way at once the browser keeps the later cookie, so none may be old."""
    browser = site.browser().log_in("alice")

    for path in ("/", "/settings", ME, "/api/v1/conversations", "/healthz"):
        assert "Set-Cookie" not in browser.get(path).headers


def test_a_login_is_made_to_last_longer_once_a_day(site: Site) -> None:
    """Else each page that opens would wait for a write, and for its disk."""
    browser = site.browser().log_in("alice")
    give_a_device(site)

    with site.statements() as on_the_first_day:
        first = browser.get("/api/v1/devices/current")
    execute(site.installation, "UPDATE login SET seen_at = seen_at - :day", day=24 * 3_600_000)
    with site.statements() as on_the_next_day:
        next_day = browser.get("/api/v1/devices/current")
    again = browser.get("/api/v1/devices/current")

    assert (first.status_code, next_day.status_code, again.status_code) == (200, 200, 200)
    assert not [asked for asked in on_the_first_day if asked.startswith("UPDATE login")]
    assert [asked for asked in on_the_next_day if asked.startswith("UPDATE login")]
    assert "Expires=" in next_day.headers["Set-Cookie"]
    assert "Set-Cookie" not in first.headers
    assert "Set-Cookie" not in again.headers


def give_a_device(site: Site) -> None:
    """To the one browser that is logged in."""
    user_name = site.installation.new_device("alice", kind="browser").user_name
    device = user_name.partition(".")[2]
    execute(site.installation, "UPDATE login SET device_id = :device", device=device)


@pytest.mark.parametrize(
    "value", ["", "nonsense", "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "\x7f"]
)
def test_a_forged_cookie_is_nobody(site: Site, value: str) -> None:
    browser = site.browser()
    browser.set_cookie(value)

    assert_problem(browser.get(ME), 401)


def test_a_program_is_known_by_name_and_password(site: Site) -> None:
    assert site.program("alice").get(ME).get_json() == {
        "account": "alice",
        "display_name": "alice",
        "kind": "person",
        "hides_presence": False,
        "hides_read": False,
        "asks_first": False,
    }
    assert_problem(site.program("alice", password="wrong password").get(ME), 401)
    assert_problem(site.program("zed").get(ME), 401)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Bearer token", "Basic \xff", "Digest a=b"]
)
def test_a_header_that_names_nobody_is_nobody(site: Site, header: str) -> None:
    response = site.browser().get(ME, headers={"Authorization": header})

    assert_problem(response, 401)


def test_a_program_opens_no_pages(site: Site) -> None:
    """A page is for a browser's session; what a program may do is all below the API."""
    assert site.program("alice").get("/").location == "/login"


@pytest.mark.parametrize(
    ("agent", "scheme"),
    [("curl/8.0", "Basic"), ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Session")],
)
def test_a_browser_is_not_made_to_ask_for_a_password_itself(
    site: Site, agent: str, scheme: str
) -> None:
    response = site.browser().get(ME, headers={"User-Agent": agent})

    assert response.headers["WWW-Authenticate"] == f'{scheme} realm="Katydid"'
