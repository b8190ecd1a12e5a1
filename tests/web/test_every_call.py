"""Every call of the running site keeps to openapi.json, whatever comes with it and whoever calls.

schemathesis asks, as `schemathesis.toml` says. What it sends for a password is never the right one,
and the id of a device never an own one: so nobody's login ends, and no account is deleted, while it
asks. What these calls do for who knows the right words is in the tests of each, where all answers
are held against openapi.json too (`visitor.py`).
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.settings import REPOSITORY
from tests.conftest import needs
from tests.running import Installation
from tests.web.served import ServedSite
from tests.web.site import Site, execute

# It leaves out one of two ways to log in at a time; with the other, one is logged in.
WITH_A_LOGIN = ("--exclude-checks", "ignored_auth")
CONFIG = REPOSITORY / "tests" / "web" / "schemathesis.toml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[ServedSite]:
    """All of it runs, without limits, and Bob has written to Alice and to Carol."""
    needs("mosquitto")
    installation = Installation(tmp_path_factory.mktemp("served"))
    installation.register("alice", "bob", "carol")
    execute(installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    for name in ("alice", "carol"):
        Site(installation).converse("bob", name, "hello", "are you there?")
    installation.start("broker", "bridge")
    served = ServedSite(installation)
    yield served
    served.stop()
    installation.stop_all()


def assert_keeps_to_the_contract(
    site: ServedSite,
    folder: Path,
    *words: str,
    authorization: str = "",
    cookie: str = "",
    token: str = "",
) -> None:
    environ = {
        "KATYDID_AUTHORIZATION": authorization,
        "KATYDID_COOKIE": cookie,
        "KATYDID_TOKEN": token,
    }
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{site.url}/api/v1/openapi.json", "--no-color", *words),
        ],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "Traceback" not in site.log()


def test_for_who_is_nobody(site: ServedSite, tmp_path: Path) -> None:
    assert_keeps_to_the_contract(site, tmp_path)


def test_for_a_browser(site: ServedSite, tmp_path: Path) -> None:
    alice = site.browser().log_in("alice")
    assert alice.post("/api/v1/devices", {"name": "Browser", "kind": "browser"}).status_code == 201

    assert_keeps_to_the_contract(
        site, tmp_path, *WITH_A_LOGIN, cookie=alice.cookie(), token=alice.token
    )

    assert alice.get("/api/v1/accounts/me").status_code == 200


def test_for_a_device(site: ServedSite, tmp_path: Path) -> None:
    device = site.installation.new_device("carol")
    words = base64.b64encode(f"{device.user_name}:{device.password}".encode()).decode()

    assert_keeps_to_the_contract(site, tmp_path, *WITH_A_LOGIN, authorization=f"Basic {words}")

    with site.program(device.user_name, device.password) as carol:
        assert carol.get("/api/v1/accounts/me").status_code == 200
