"""The client can be had without the rest: it imports nothing of ours, and installs as a package."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chat.settings import REPOSITORY
from tests.client.serving import Serving
from tests.web.visitor import PASSWORD

CLIENT = REPOSITORY / "client"
MAY_IMPORT = {"aiomqtt", "httpx", "paho", "rich", "textual"} | set(sys.stdlib_module_names)
HELLO = """
import asyncio, sys
from katydid_client import Katydid

async def main(url, account, password, to):
    async with Katydid(url, account, password=password, folder="here") as chat:
        print((await chat.send(to, "Hello from outside")).seq)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("file", sorted(CLIENT.rglob("*.py")), ids=lambda file: file.name)
def test_it_imports_only_its_own_and_what_it_depends_on(file: Path) -> None:
    absolute = [
        name.partition(".")[0]
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _imported(node)
    ]

    assert [name for name in absolute if name not in MAY_IMPORT] == []


def test_its_wheel_is_used_from_elsewhere(
    serving: Serving, alice: str, bob: str, tmp_path: Path
) -> None:
    source, wheels, installed = (tmp_path / name for name in ("source", "wheels", "installed"))
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("__pycache__"))
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels)]
    _pip(*build, str(source))
    [wheel] = wheels.iterdir()
    _pip("install", "--no-deps", "--no-index", "--target", str(installed), str(wheel))

    done = subprocess.run(
        [sys.executable, "-c", HELLO, serving.url, alice, PASSWORD, bob],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("1\n", "")
    assert serving.archived(alice) == ["Hello from outside"]
    assert (installed / "katydid_client" / "py.typed").exists()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
        return [node.module]
    return []


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
