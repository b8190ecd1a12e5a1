"""A server for the client, one for each process of the tests; here, tests may be coroutines."""

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from tests.client.serving import Serving
from tests.conftest import needs

_LONGEST_SECONDS = 60


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine, from its beginning to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), _LONGEST_SECONDS))
    return True


@pytest.fixture(scope="package")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Slow enough to be too fast for it: an account may send 60 at once, then 100 a second."""
    needs("mosquitto")
    limits = {"KATYDID_RATE_PER_SECOND": "100", "KATYDID_RATE_BURST": "60"}
    serving = Serving(tmp_path_factory.mktemp("serving"), **limits)
    yield serving
    serving.stop()


@pytest.fixture
def alice(serving: Serving) -> str:
    """Her account, which no other test has."""
    return serving.new_account("alice")


@pytest.fixture
def bob(serving: Serving) -> str:
    return serving.new_account("bob")
