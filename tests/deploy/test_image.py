"""`deploy/Dockerfile`: no linter minds it, and what it takes from the repository is enough."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chat.settings import REPOSITORY

FILE = REPOSITORY / "deploy" / "Dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")


def complaints(file: Path) -> str:
    done = subprocess.run(
        [HADOLINT, "--no-color", file], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout


def test_no_linter_minds_it() -> None:
    assert complaints(FILE) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("FROM python:3.13-slim\n", "FROM python\n", "DL3006"),
        ("USER 10001", "USER root", "DL3002"),
        ("WORKDIR /katydid", "RUN cd /katydid", "DL3003"),
        ("RUN npm ci", "RUM npm ci", "unexpected"),
    ],
)
def test_what_a_linter_minds_is_noticed(tmp_path: Path, right: str, wrong: str, named: str) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text(FILE.read_text().replace(right, wrong))

    assert named in complaints(broken)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return copied_to(tmp_path)


def copied_to(folder: Path) -> Path:
    """What the image gets from the repository, and nothing else of it."""
    let_through = set(re.findall(r"^!(\S+)$", _ignored(), re.MULTILINE))
    copied = re.findall(r"^COPY (\S+) /katydid/(\S+)$", FILE.read_text(), re.MULTILINE)
    assert copied
    for source, target in copied:
        assert source in let_through, f"{source} is kept from the image by .dockerignore"
        shutil.copytree(REPOSITORY / source, folder / target)
    return folder


@pytest.mark.parametrize("module", ["web", "web.door", "bridge.__main__", "cli.__main__"])
def test_all_programs_find_what_they_need(image: Path, module: str) -> None:
    done = _python(image, "-c", f"import {module}; print({module}.__file__)")

    assert done.stdout.startswith(str(image)), done.stderr


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["-m", "cli", "migrate"], 0, "up to date"),
        (["-m", "bridge"], 2, "The secret"),
        (["-m", "push"], 2, "The secret"),
        (["-m", "cli.web", "site"], 1, "The secret"),
        (["-m", "cli.web", "door"], 1, "The secret"),
    ],
)
def test_its_commands_run_and_a_missing_secret_is_named(
    image: Path, words: list[str], status: int, says: str
) -> None:
    (image / "home").mkdir()

    done = _python(image, *words)

    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_browsers_library_is_where_the_site_looks_for_it() -> None:
    [(source, target)] = re.findall(r"^COPY --from=browser (\S+) (\S+)$", FILE.read_text(), re.M)

    name = Path(source).relative_to("/build")
    assert Path(target) / name.name == Path("/katydid") / name
    assert (REPOSITORY / "package-lock.json").read_text().count(f'"{name.parts[0]}/mqtt"') == 1


def _ignored() -> str:
    return FILE.with_name("Dockerfile.dockerignore").read_text()


def _python(image: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        cwd="/",
        env={"PYTHONPATH": str(image), "PYTHONSAFEPATH": "1", "KATYDID_HOME": str(image / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
