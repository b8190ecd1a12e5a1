"""What stops `./katydid cluster` before it starts anything: one sentence each."""

import os
from pathlib import Path

import pytest

from cli.cluster import up
from cli.cluster.down import cluster_down
from cli.cluster.layout import choose_ports, chosen_ports
from cli.cluster.up import ClusterImpossible, cluster_settings, cluster_up
from cli.free_ports import free_ports
from tests.cli.starting import assert_refused, run_katydid
from tests.conftest import cannot_run
from tests.ports import taken


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    http, mqtt, websocket = free_ports(3)
    return {
        "KATYDID_HOME": str(tmp_path / "home"),
        "KATYDID_HTTP_PORT": str(http),
        "KATYDID_MQTT_PORT": str(mqtt),
        "KATYDID_WEBSOCKET_PORT": str(websocket),
    }


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KATYDID_DATABASE_URL", "sqlite:////tmp/katydid.db", "has its own"),
        ("KATYDID_MQTT_HOST", "broker.example", "has its own"),
        ("KATYDID_SHARDS_SERVED", "0,1", "has its own"),
        ("KATYDID_BROKER", "mosquitto", "a cluster has rabbitmq"),
        ("KATYDID_HTTP_PORT", "eighty", "from 1 to 65535"),
        ("KATYDID_HTTPS_PORT", "0", "from 1 to 65535"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(
    environ: dict[str, str], name: str, value: str, says: str
) -> None:
    answer = run_katydid({**environ, name: value}, "cluster", "up")

    assert_refused(answer, f"katydid: {name} ", says, status=2, home=environ["KATYDID_HOME"])
    assert not Path(environ["KATYDID_HOME"]).exists()


def test_a_port_of_the_network_that_is_taken_is_named(environ: dict[str, str]) -> None:
    if os.geteuid() != 0:
        cannot_run("only root may start a cluster")

    port = environ["KATYDID_MQTT_PORT"]
    with taken(int(port)):
        answer = run_katydid(environ, "cluster", "up")

    assert_refused(
        answer, port, "KATYDID_MQTT_PORT", "is taken", status=1, home=environ["KATYDID_HOME"]
    )


def test_whoever_is_not_root_is_told_so(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ClusterImpossible, match="only root may"):
        cluster_up(environ)


def test_another_system_than_debian_is_told_what_runs_there(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(up, "_DEBIAN", tmp_path / "debian_version")

    with pytest.raises(ClusterImpossible, match=r"needs Debian; deploy/compose.yaml"):
        cluster_up(environ)


@pytest.mark.parametrize("words", [[], ["sideways"], ["up", "now"]])
def test_wrong_words_are_answered_with_the_right_ones(
    environ: dict[str, str], words: list[str]
) -> None:
    answer = run_katydid(environ, "cluster", *words)

    assert answer.returncode == 2
    assert "is for one of: cluster up, cluster down, cluster rotate" in answer.stderr


def test_down_says_when_there_never_was_a_cluster(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster_down(environ) == 0

    assert f"no cluster runs from {environ['KATYDID_HOME']}/cluster" in capsys.readouterr().err


def test_the_ports_inside_stay_the_same_but_for_those_that_are_taken(
    environ: dict[str, str],
) -> None:
    settings = cluster_settings(environ)
    settings.home.mkdir(parents=True)
    first = choose_ports(settings)

    with taken(first["web-1"]):
        second = choose_ports(settings)

    assert len(set(first.values())) == len(first)
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"web-1"}
    assert chosen_ports(settings) == second
    lowest_of_others = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert lowest_of_others < 12_000 or max(second.values()) < lowest_of_others
