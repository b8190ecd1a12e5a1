"""`/healthz` and `/metrics`: what is ready, what is not, and always an answer."""

import threading
import time

import pytest

from chat.shards import renew_leases
from tests.running import Installation
from tests.web.site import Site, execute


def serve_all_shards(installation: Installation) -> None:
    """As a bridge does that is well."""
    with installation.database.writing() as session:
        for _ in range(2):  # what is served is said of what is held already
            renew_leases(session, worker="test", shards=range(16), served=range(16))


def test_without_broker_and_bridge_the_site_says_so(site: Site) -> None:
    response = site.browser().get("/healthz")

    assert response.status_code == 503
    assert response.get_json() == {
        "ready": False,
        "parts": {
            "sql": {"ready": True},
            "broker": {"ready": False, "problem": "The broker takes no connections."},
            "bridge": {
                "ready": False,
                "problem": "No bridge has served these shards for 10 s: "
                "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f.",
            },
        },
    }


def test_with_all_parts_at_work_the_site_is_ready(installation: Installation) -> None:
    installation.start("broker")
    serve_all_shards(installation)

    response = Site(installation).browser().get("/healthz")

    assert response.status_code == 200
    assert response.get_json()["ready"] is True


def test_one_silent_shard_is_enough_to_be_not_ready(installation: Installation) -> None:
    installation.start("broker")
    serve_all_shards(installation)
    execute(installation, "UPDATE shard SET served_at = served_at - 11000 WHERE shard = 10")

    response = Site(installation).browser().get("/healthz")

    assert response.status_code == 503
    assert response.get_json()["parts"]["bridge"]["problem"].endswith("10 s: a.")


def test_a_check_that_hangs_does_not_hold_up_the_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on SQLite or a lost network to PostgreSQL: no answer comes, and no error either."""
    released = threading.Event()
    monkeypatch.setattr(site.installation.database, "check", lambda: released.wait(30))
    threads_before = threading.active_count()

    answers = [site.browser().get("/healthz").get_json() for _ in range(3)]

    assert not released.is_set()
    for answer in answers:
        assert answer["parts"]["sql"]["problem"] == "It has not answered for 1.5 s."
        assert answer["parts"]["broker"]["problem"] == "The broker takes no connections."
    assert threading.active_count() <= threads_before + 4
    released.set()


def test_what_a_check_finds_too_late_is_for_who_asks_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a check takes longer than an answer, each time, it would be in vain for ever."""
    begun, released, ended = [], threading.Event(), threading.Event()

    def check() -> None:
        begun.append(True)
        assert released.wait(30)
        ended.set()

    monkeypatch.setattr(site.installation.database, "check", check)
    too_early = site.browser().get("/healthz").get_json()
    released.set()
    assert ended.wait(15)

    next_time = site.browser().get("/healthz").get_json()

    assert "problem" in too_early["parts"]["sql"]
    assert next_time["parts"]["sql"] == {"ready": True}
    assert len(begun) == 1
    site.browser().get("/healthz")
    assert len(begun) == 2


def test_sql_that_takes_nothing_is_not_ready(site: Site) -> None:
    """As on a full disk: everything can be read still."""
    execute(
        site.installation,
        "CREATE TRIGGER full BEFORE INSERT ON rate_limit"
        " BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
    )

    answer = site.browser().get("/healthz").get_json()

    assert answer["parts"]["sql"] == {
        "ready": False,
        "problem": "SQL cannot be written: database or disk is full.",
    }
    execute(site.installation, "DROP TRIGGER full")
    assert site.browser().get("/healthz").get_json()["parts"]["sql"] == {"ready": True}


def test_asking_for_health_all_the_time_does_not_keep_sql_busy(site: Site) -> None:
    began = time.monotonic()
    for _ in range(20):
        site.browser().get("/healthz")
    took_seconds = time.monotonic() - began

    [(written,)] = site.installation.rows("SELECT count FROM rate_limit WHERE key = 'healthz'")
    assert isinstance(written, int)
    assert written <= 1 + took_seconds


def test_health_is_told_while_a_writer_holds_the_database(site: Site) -> None:
    with site.installation.database.writing() as session:
        session.connection()  # the lock is taken with the first need of it
        answer = site.browser().get("/healthz").get_json()

    assert answer["parts"]["sql"] == {"ready": True}


def test_metrics_count_by_route_and_not_by_path(site: Site) -> None:
    alice = site.program("alice")
    for name in ("bob", "carol", "zed"):
        alice.get(f"/api/v1/accounts/{name}")
    site.browser().get("/nothing/of/this/name")
    site.program("alice").open("BREW", "/api/v1/devices")

    text = site.browser().get("/metrics").text

    route = 'route="/api/v1/accounts/<name>"'
    assert f'katydid_http_requests_total{{method="GET",{route},status="200"}}' in text
    assert f"katydid_http_request_seconds_count{{{route}}}" in text
    assert 'method="other"' in text
    assert "/nothing/of/this/name" not in text
    assert "BREW" not in text
