"""The headers of every answer, whatever it is."""

import pytest

from tests.web.conftest import MakeSite
from tests.web.site import Site

EVERY_KIND_OF_ANSWER = [
    "/login",
    "/register",
    "/",
    "/nothing",
    "/static/api.js",
    "/static/vendor/mqtt.js",
    "/service-worker.js",
    "/offline",
    "/healthz",
    "/metrics",
    "/api/v1/devices",
    "/api/v1/nothing",
]


@pytest.fixture(scope="module")
def site(shared_site: Site) -> Site:
    return shared_site


@pytest.mark.parametrize("path", EVERY_KIND_OF_ANSWER)
def test_every_answer_says_what_a_browser_may_do_with_it(site: Site, path: str) -> None:
    headers = site.browser().get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    port = site.installation.settings.websocket_port
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" font-src 'self'; connect-src 'self' ws://localhost:{port}; manifest-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [("https://chat.example.org", "max-age=31536000"), ("http://chat.example.org", None)],
)
def test_where_it_is_https_browsers_come_by_nothing_else(
    make_site: MakeSite, url: str, says: str | None
) -> None:
    browser = make_site(KATYDID_PUBLIC_URL=url).browser()

    for path in ("/login", "/nothing", "/api/v1/devices"):
        assert browser.get(path).headers.get("Strict-Transport-Security") == says


@pytest.mark.parametrize("path", ["/login", "/", "/healthz", "/metrics", "/api/v1/devices"])
def test_nobody_keeps_a_copy_of_what_is_said(site: Site, path: str) -> None:
    assert site.browser().get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/api.js", "/static/vendor/mqtt.js", "/service-worker.js"])
def test_a_file_is_kept_and_asked_about(site: Site, path: str) -> None:
    first = site.browser().get(path)
    again = site.browser().get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.mimetype == "text/javascript"
    assert first.headers["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in first.headers
    assert (again.status_code, again.data) == (304, b"")


def test_the_policy_names_the_websocket_that_clients_are_told(make_site: MakeSite) -> None:
    site = make_site(KATYDID_PUBLIC_WEBSOCKET_URL="wss://mq.example:8443/mqtt")

    policy = site.browser().get("/login").headers["Content-Security-Policy"]

    assert "connect-src 'self' wss://mq.example:8443;" in policy


@pytest.mark.parametrize("host", ["evil; script-src *", "a b", "x'y", "", "[::1", "é"])
def test_a_host_header_that_is_no_host_gets_nowhere(site: Site, host: str) -> None:
    response = site.browser().get("/login", headers={"Host": host})

    policy = response.headers["Content-Security-Policy"]
    port = site.installation.settings.websocket_port
    assert f"connect-src 'self' ws://127.0.0.1:{port};" in policy
    assert "script-src *" not in policy
