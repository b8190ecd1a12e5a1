"""A whole installation under `up`, a real Chromium, and people who sit before it."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser

from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person
from tests.end_to_end.running_up import Up

NewPerson = Callable[..., Person]
_numbers = count(1)


@pytest.fixture(scope="package")
def katydid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One installation for all; tests that kill its parts wait until it has recovered."""
    needs("mosquitto")
    up = Up(tmp_path_factory.mktemp("katydid"))
    yield up
    up.stop()


@pytest.fixture
def new_visitor(katydid: Up, chromium: Browser) -> Iterator[NewPerson]:
    """Makes people at browsers of their own, not logged in yet; `settings` are the browser's.

    A name stands for the same account throughout a test. At the end none of their pages may have
    had an error, a breach of the security policy included.
    """
    people: list[Person] = []
    number = next(_numbers)

    def make(name: str, **settings: object) -> Person:
        context = chromium.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        people.append(Person(context, katydid.url, f"{name}{number}"))
        return people[-1]

    yield make
    for person in people:
        person.context.close()
    assert [problem for person in people for problem in person.problems] == []


@pytest.fixture
def new_person(katydid: Up, new_visitor: NewPerson) -> NewPerson:
    """Makes people who have an account and are logged in."""

    def make(name: str, **settings: object) -> Person:
        person = new_visitor(name, **settings)
        katydid.add_account(person.account, password=PASSWORD)
        return person.log_in()

    return make


@pytest.fixture
def alice(new_person: NewPerson) -> Person:
    return new_person("alice")


@pytest.fixture
def bob(new_person: NewPerson) -> Person:
    return new_person("bob")
