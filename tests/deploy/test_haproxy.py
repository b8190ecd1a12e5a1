"""The proxy's configuration, as it stands for containers and as `./katydid` writes it."""

import re
import subprocess
from pathlib import Path

import pytest

from chat.settings import REPOSITORY
from cli.haproxy import configuration
from tests.conftest import needs
from tests.deploy.certificates import Authority

FILES = ("haproxy.cfg", "haproxy-inside.cfg")


def check(folder: Path, *contents: str) -> "subprocess.CompletedProcess[str]":
    """What HAProxy says of files with these contents."""
    words = [needs("haproxy"), "-c"]
    for number, content in enumerate(contents):
        file = folder / f"{number}.cfg"
        file.write_text(content)
        words += ["-f", str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def contents(tmp_path: Path) -> list[str]:
    """The two files, with a certificate that is there."""
    issued = Authority(tmp_path).issue("localhost")
    both = (Path(issued[f"KATYDID_TLS_{part}"]).read_text() for part in ("CERTIFICATE", "KEY"))
    certificate = tmp_path / "tls_certificate"
    certificate.write_text("".join(both))
    return [
        (REPOSITORY / "deploy" / name)
        .read_text()
        .replace("/run/secrets/tls_certificate", str(certificate))
        for name in FILES
    ]


def test_the_files_are_valid_as_they_stand(tmp_path: Path, contents: list[str]) -> None:
    checked = check(tmp_path, *contents)

    assert checked.returncode == 0, checked.stderr
    # Outside its network no name is known, which it says of each server, and nothing else.
    warnings = [line for line in checked.stderr.splitlines() if "WARNING" in line]
    assert [line for line in warnings if "could not resolve" not in line] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("timeout check 2s", "timeout chek 2s"),
        ("default_backend web\n", "default_backend webb\n"),
        ("track websocket/rabbitmq-1", "track websocket/rabbit-1"),
        ("/metrics }", "/metrics"),
    ],
)
def test_a_mistake_in_them_is_noticed(
    tmp_path: Path, contents: list[str], right: str, wrong: str
) -> None:
    broken = [content.replace(right, wrong, 1) for content in contents]
    assert broken != contents

    assert check(tmp_path, *broken).returncode == 1


def test_the_lines_of_an_installation_alone_are_replaced() -> None:
    plain = (REPOSITORY / "deploy" / "haproxy.cfg").read_text()
    names = re.findall(r"\[installation: ([\w-]+)\]", plain)

    ours = configuration("haproxy.cfg", {name: [f"ours of {name}"] for name in names})

    assert len(names) == len(set(names))
    for name in names:
        assert f"[installation: {name}]\n    ours of {name}\n" in ours
    for word in ("bind", "server ", "server-template", "http-request redirect", "nameserver"):
        assert f"    {word}" in plain
        assert f"    {word}" not in ours
    kept = [line for line in ours.splitlines() if "ours of" not in line]
    assert [line for line in kept if line not in plain.splitlines()] == []


def test_a_block_without_lines_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="process"):
        configuration("haproxy.cfg", {})
