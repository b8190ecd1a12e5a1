"""Fixtures for all tests, and the one rule for what a machine lacks."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from cli.programs import find_program
from tests.browser import running_chromium
from tests.databases import DIALECTS
from tests.running import Installation

PROGRAMS = {
    "initdb": ("initdb",),
    "mosquitto": ("mosquitto",),
    "mosquitto_pub": ("mosquitto_pub",),
    "mosquitto_sub": ("mosquitto_sub",),
    "mosquitto_rr": ("mosquitto_rr",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "node": ("node",),
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


_HERE = Path(__file__).parent
# What takes minutes, most of them of waiting, begins first: the others fill the time. What takes
# long by itself follows, so that no process is left alone with it in the end.
_BEGIN_FIRST = [
    _HERE / "cluster",
    _HERE / "bench" / "test_chaos.py",
    _HERE / "attacks",
    _HERE / "end_to_end" / "test_fresh_clone.py",
    _HERE / "bridge" / "test_several.py",
    _HERE / "bridge" / "test_faults.py",
    _HERE / "bench",
    _HERE / "end_to_end",
    _HERE / "cli",
    _HERE / "bridge",
    _HERE / "web" / "test_every_call.py",
]


class FileByFile(LoadScopeScheduling):
    """A process runs a whole file, one test after the other, or all that needs the cluster; so what
    a file's tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/cluster" if file.startswith("tests/cluster/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile:
    """Instead of xdist's own by groups: it writes them into what pytest 9 no longer reads."""
    return FileByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order in which the files begin."""
    items.sort(key=lambda item: _place_in_the_order(item.path))


def _place_in_the_order(path: Path) -> int:
    first = (place for place, begins in enumerate(_BEGIN_FIRST) if path.is_relative_to(begins))
    return next(first, len(_BEGIN_FIRST))


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
