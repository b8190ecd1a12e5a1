"""The site on a real database, with Alice, Bob and Carol, who share one password."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.running import Installation
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD

MakeSite = Callable[..., Site]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """argon2 as everywhere, but with the least work that it can do: tests log in often."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def make_site(tmp_path: Path, password_hash: str, dialect: str) -> Iterator[MakeSite]:
    """Makes a site with the settings given; no broker runs behind it."""
    made: list[Site] = []

    def make(**environ: str) -> Site:
        made.append(_site(tmp_path, password_hash, dialect, **environ))
        return made[-1]

    yield make
    for site in made:
        site.installation.stop_all()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site of its own."""
    return make_site()


@pytest.fixture(scope="module")
def shared_site(
    tmp_path_factory: pytest.TempPathFactory, password_hash: str, dialect: str
) -> Iterator[Site]:
    """A site for a whole file, for tests that change nothing."""
    site = _site(tmp_path_factory.mktemp("site"), password_hash, dialect)
    yield site
    site.installation.stop_all()


def _site(home: Path, password_hash: str, dialect: str, **environ: str) -> Site:
    installation = Installation(home, dialect=dialect, **environ)
    installation.register("alice", "bob", "carol")
    execute(installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    return Site(installation)
