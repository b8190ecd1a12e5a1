"""The same contract for every broker: each is started once, for all files that ask for it."""

from collections.abc import Iterator

import pytest

from tests.brokers import BROKERS, start_with_bridge
from tests.running import Installation

_BESIDES_MOSQUITTO = [
    pytest.param(name, marks=pytest.mark.cluster) for name in BROKERS if name != "mosquitto"
]


@pytest.fixture(scope="package", params=["mosquitto", *_BESIDES_MOSQUITTO])
def any_broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A broker with a bridge, and Alice, Bob and Carol registered."""
    installation = BROKERS[request.param](tmp_path_factory.mktemp("installation"))
    installation.register("alice", "bob", "carol")
    start_with_bridge(installation)
    yield installation
    installation.stop_all()
