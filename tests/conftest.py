"""Fixtures for all tests, and the one rule for what a machine lacks."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser

from cli.programs import find_program
from tests.browser import running_chromium
from tests.databases import DIALECTS
from tests.running import Installation

PROGRAMS = {
    "initdb": ("initdb",),
    "mosquitto": ("mosquitto",),
    "mosquitto_pub": ("mosquitto_pub",),
    "mosquitto_sub": ("mosquitto_sub",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "npm": ("npm",),
    "openssl": ("openssl",),
    "haproxy": ("haproxy",),
    "ip": ("ip",),
    "dnsmasq": ("dnsmasq",),
    "curl": ("curl",),
    "systemd-analyze": ("systemd-analyze",),
}


def needs(program: str) -> str:
    """Where the program is; without it the test cannot run."""
    for name in PROGRAMS[program]:
        if found := find_program(name):
            return found
    return cannot_run(f"{program} is not installed; ./katydid test installs it where it can")


def cannot_run(reason: str) -> NoReturn:
    """The machine lacks something: the test is skipped with the reason, but fails under CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one process runs, one test after the other: a file, or all that needs the cluster."""
    for item in items:
        is_for_cluster = item.path.is_relative_to(Path(__file__).parent / "cluster")
        group = "cluster" if is_for_cluster else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `both_databases`, and uses one, runs once on each."""
    is_marked = metafunc.definition.get_closest_marker("both_databases") is not None
    if is_marked and "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", DIALECTS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def dialect(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    dialect: str = getattr(request, "param", "sqlite")
    if dialect == "postgresql":
        needs("initdb")
    return dialect


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one file: as long as Playwright runs in a thread, asyncio cannot."""
    with running_chromium(needs("chromium")) as browser:
        yield browser


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells what was measured: a sentence that stands at the end of the run, never asserted."""
    return lambda sentence: record_property("measured", sentence)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    sentences = [
        str(value)
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "measured"
    ]
    if sentences:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(sentences))


@pytest.fixture
def installation(tmp_path: Path, dialect: str) -> Iterator[Installation]:
    """An installation of its own with nothing running yet; all that it starts is stopped."""
    needs("mosquitto")
    installation = Installation(tmp_path, dialect=dialect)
    yield installation
    installation.stop_all()


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory, dialect: str) -> Iterator[Installation]:
    """A broker for a whole file, with Alice, Bob and Carol registered."""
    needs("mosquitto")
    installation = Installation(tmp_path_factory.mktemp("installation"), dialect=dialect)
    installation.register("alice", "bob", "carol")
    installation.start("broker")
    yield installation
    installation.stop_all()


@pytest.fixture(scope="module")
def shared_bridge(shared_broker: Installation) -> Installation:
    """The shared broker with a bridge."""
    shared_broker.start("bridge")
    return shared_broker
