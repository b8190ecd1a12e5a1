"""The whole cluster, started once, and people at real browsers before it."""

import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser

from tests.cluster.running_cluster import RunningCluster
from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person
from tests.rabbitmq import rabbitmq_root

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    """One for all tests of this folder, which leave it well."""
    for program in ("haproxy", "initdb"):
        needs(program)
    rabbitmq_root()
    started = time.monotonic()
    cluster = RunningCluster(tmp_path_factory.mktemp("home"))
    cluster.seconds_to_start = time.monotonic() - started
    yield cluster
    cluster.stop()


@pytest.fixture
def new_person(cluster: RunningCluster, chromium: Browser) -> Iterator[Callable[[str], Person]]:
    """Makes people who have an account and are logged in, each at a browser of their own."""
    people: list[Person] = []
    number = next(_numbers)

    def make(name: str) -> Person:
        context = chromium.new_context()
        context.set_default_timeout(30_000)
        people.append(Person(context, cluster.url, f"{name}{number}"))
        cluster.add_account(people[-1].account, password=PASSWORD)
        return people[-1].log_in()

    yield make
    for person in people:
        person.context.close()
    assert [problem for person in people for problem in person.problems] == []


@pytest.fixture
def alice(new_person: Callable[[str], Person]) -> Person:
    return new_person("alice")


@pytest.fixture
def bob(new_person: Callable[[str], Person]) -> Person:
    return new_person("bob")
