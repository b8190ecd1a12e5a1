"""The list of logins: which browsers are logged in, and logging them out from elsewhere."""

from collections.abc import Iterator

import pytest

from tests.running import Installation, wait_until
from tests.web.served import ServedBrowser, ServedSite
from tests.web.site import Site, execute
from tests.web.test_devices import FIREFOX, connect, made
from tests.web.visitor import Browser, assert_problem
from web.browsers import browser_name

ME, LOGINS = "/api/v1/accounts/me", "/api/v1/logins"
OLD_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Mobile Safari/537.36"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(scope="module")
def served(shared_broker: Installation, password_hash: str) -> Iterator[ServedSite]:
    execute(shared_broker, "UPDATE account SET password_hash = :hash", hash=password_hash)
    site = ServedSite(shared_broker)
    yield site
    site.stop()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (OLD_FIREFOX, "Firefox on Windows"),
        (CHROME, "Chrome on Android"),
        (EDGE, "Edge on Windows"),
        (SAFARI, "Safari on iPhone"),
        ("curl/8.0", "Browser on an unknown system"),
        ("", "Browser on an unknown system"),
        ("<script>Firefox\0" + "x" * 10_000, "Firefox on an unknown system"),
    ],
)
def test_a_browser_is_called_by_words_of_ours_alone(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


def ends(browser: Browser | ServedBrowser) -> dict[str, str]:
    """The browser's list: the digest of each login, by whether it is the one that asks."""
    listed = browser.get(LOGINS)
    logins = listed.get_json() if hasattr(listed, "get_json") else listed.json()
    return {"this" if login["current"] else "other": login["login"] for login in logins["logins"]}


@pytest.mark.both_databases
def test_each_browser_is_listed_also_one_without_a_device(site: Site) -> None:
    here, there = site.browser().log_in("alice"), site.browser().log_in("alice")
    site.browser().log_in("bob")

    logins = here.get(LOGINS).get_json()["logins"]

    assert [login["current"] for login in logins].count(True) == 1
    assert len(logins) == 2
    for login in logins:
        assert login["begun_at"] == login["last_seen_at"]
        assert login["browser"] == "Browser on an unknown system"
        assert login["login"] not in (here.cookie() or "")
        assert login["login"] not in (there.cookie() or "")
    secrets = {str(secret) for (secret,) in site.installation.rows("SELECT id FROM login")}
    assert not secrets & {login["login"] for login in logins}


@pytest.mark.both_databases
def test_a_login_is_ended_from_elsewhere_by_its_account_alone(site: Site) -> None:
    here, there = site.browser().log_in("alice"), site.browser().log_in("alice")
    bob = site.browser().log_in("bob")
    other = ends(here)["other"]

    assert_problem(bob.call("DELETE", f"{LOGINS}/{other}"), 404, says="You have no login")
    assert there.get(ME).status_code == 200
    assert here.call("DELETE", f"{LOGINS}/{other}").status_code == 204

    assert_problem(there.get(ME), 401)
    assert here.get(ME).status_code == bob.get(ME).status_code == 200
    assert_problem(here.call("DELETE", f"{LOGINS}/{other}"), 404)


@pytest.mark.both_databases
def test_all_others_are_ended_at_once(site: Site) -> None:
    here, *others = (site.browser().log_in("alice") for _ in range(3))
    bob = site.browser().log_in("bob")

    assert here.call("DELETE", LOGINS).get_json() == {"logins_ended": 2}

    assert [browser.get(ME).status_code for browser in (here, bob, *others)] == [200, 200, 401, 401]
    assert list(ends(here)) == ["this"]


@pytest.mark.both_databases
def test_a_browser_may_end_its_own(site: Site) -> None:
    browser = site.browser().log_in("alice")

    assert browser.call("DELETE", f"{LOGINS}/{ends(browser)['this']}").status_code == 204

    assert_problem(browser.get(ME), 401)
    assert browser.get("/login").status_code == 200


@pytest.mark.parametrize("all_at_once", [False, True])
def test_a_browser_that_is_logged_out_is_cut_off_and_phones_are_not(
    served: ServedSite, all_at_once: bool
) -> None:
    here, there = served.browser().log_in("carol"), served.browser().log_in("carol")
    here_device, phone = made(here, FIREFOX), made(here, {"name": "Phone", "kind": "phone"})
    staying = [connect(served, here_device), connect(served, phone)]
    cut = connect(served, made(there, FIREFOX))

    path = LOGINS if all_at_once else f"{LOGINS}/{ends(here)['other']}"
    assert here.delete(path).status_code == (200 if all_at_once else 204)

    wait_until("the connection to be cut", lambda: cut.disconnect_reason is not None, seconds=1)
    assert there.get(ME).status_code == 401
    assert here.get(ME).status_code == 200
    assert [client.disconnect_reason for client in staying] == [None, None]
    for client in (*staying, cut):
        client.close()
    here.log_out()
