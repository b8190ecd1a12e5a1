"""`./katydid cluster down`. Last of this folder, since it ends the cluster of all."""

from pathlib import Path

from tests.cluster.running_cluster import RunningCluster


def is_alive(process: int) -> bool:
    """One that has ended and that nobody asked for has no command line any more."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""
    except OSError:
        return False


def test_what_the_cluster_keeps_is_for_its_owner_alone(cluster: RunningCluster) -> None:
    open_to_others = [
        path
        for folder in ("secrets", "logs", "run", "rabbitmq")
        for path in [cluster.home / folder]
        if path.stat().st_mode & 0o077
    ]

    assert open_to_others == []
    secrets = [path.stat().st_mode & 0o777 for path in (cluster.home / "secrets").iterdir()]
    assert secrets == [0o600] * 3


def test_no_secret_stands_in_a_command_line_or_a_log(cluster: RunningCluster) -> None:
    secrets = [path.read_text().strip() for path in (cluster.home / "secrets").iterdir()]
    secrets.append(cluster.settings.database_url.partition(":")[2].partition("@")[0].split(":")[-1])
    seen = [Path(f"/proc/{process}/cmdline").read_text() for process in cluster.processes()]
    seen += [path.read_text() for path in (cluster.home / "logs").iterdir()]

    assert [text for text in seen if any(secret in text for secret in secrets)] == []


def test_a_second_cluster_up_says_that_there_is_one(cluster: RunningCluster) -> None:
    second = cluster.run("up")

    assert second.returncode == 1
    assert f"runs already from {cluster.home}, as process" in second.stderr
    assert second.stderr.count("\n") == 1
    assert cluster.is_ready()


def test_cluster_down_leaves_nothing_running_and_then_says_that_nothing_runs(
    cluster: RunningCluster,
) -> None:
    processes = cluster.processes()
    assert len(processes) > 20
    assert len(cluster.listening()) == len(cluster.ports)

    first = cluster.down()

    assert (first.returncode, cluster.process.wait(timeout=15)) == (0, 0), first.stderr
    assert [process for process in processes if is_alive(process)] == []
    assert cluster.listening() == []
    second = cluster.down()
    assert second.returncode == 0
    assert f"no cluster runs from {cluster.home}" in second.stderr
