"""The locks: all that is installed, by its checksum, in the versions that people asked for."""

import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from chat.settings import REPOSITORY
from cli.lock import LOCKS, Lock, NotLocked, lock

_PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)")


def asked_for(packages: Path) -> dict[str, str]:
    """Name → version, of the lines of a list and of those that it names."""
    found = {}
    for line in packages.read_text().splitlines():
        if line.startswith("-r "):
            found |= asked_for(packages.parent / line.removeprefix("-r "))
        elif pin := _PIN.match(line):
            found[canonical(pin[1])] = pin[2]
        else:
            assert line.startswith("#"), f"{packages.name} does not pin: {line}"
    return found


def locked(lock: Lock) -> dict[str, set[str]]:
    """Name → versions: a younger Python may have another one."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        pin = _PIN.match(entry)
        assert pin is not None, entry
        found.setdefault(canonical(pin[1]), set()).add(pin[2])
    return found


def entries(lock: Lock) -> list[str]:
    lines = (line.split("#")[0].rstrip() for line in lock.file.read_text().splitlines())
    text = "\n".join(line for line in lines if line)
    return text.replace(" \\\n", " ").splitlines()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)


@each_lock
def test_a_lock_has_what_its_list_asks_for(lock: Lock) -> None:
    versions = locked(lock)

    wanted = asked_for(lock.packages)
    assert wanted
    assert {name: versions.get(name) for name in wanted} == {
        name: {version} for name, version in wanted.items()
    }


@each_lock
def test_each_package_stands_there_with_its_checksums_and_no_place(lock: Lock) -> None:
    for entry in entries(lock):
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry)


@each_lock
def test_no_lock_wants_another_version_than_those_beside_it(lock: Lock) -> None:
    versions = locked(lock)

    for name in lock.beside:
        beside = next(each for each in LOCKS if each.name == name)
        same = locked(beside).keys() & versions.keys()
        assert {each: versions[each] for each in same} == {
            each: locked(beside)[each] for each in same
        }


def test_every_list_of_packages_has_a_lock() -> None:
    lists = {each.name for each in REPOSITORY.glob("requirements*.txt")}

    assert {each.packages.name for each in LOCKS} == lists
    assert {each.file.name for each in LOCKS} == {
        each.name for each in REPOSITORY.glob("requirements*.lock")
    }


def test_wrong_words_make_no_lock() -> None:
    with pytest.raises(NotLocked, match=r"\./katydid lock --upgrade"):
        lock(["flask"])


def test_a_file_with_another_checksum_is_not_installed(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "katydid", tmp_path)
    right = make_wheel(tmp_path, "right")
    installed = tmp_path / ".venv" / "requirements.sum"

    prepare(tmp_path, "right", right)
    assert installed.exists()
    before = installed.read_text()

    make_wheel(tmp_path, "wrong")
    answer = prepare(tmp_path, "wrong", right)

    assert answer.returncode == 1
    assert "DO NOT MATCH THE HASHES" in answer.stderr
    assert "katydid: pip could not install the packages of requirements.lock" in answer.stderr
    assert installed.read_text() == before


def prepare(folder: Path, package: str, checksum: str) -> "subprocess.CompletedProcess[str]":
    """Where nothing but the launcher and a lock is, and nothing is asked from outside."""
    (folder / "requirements.lock").write_text(
        f"--no-index\n--find-links {folder}\n{package}==1 --hash=sha256:{checksum}\n"
    )
    return subprocess.run(
        [folder / "katydid", "prepare"], capture_output=True, text=True, check=False, timeout=120
    )


def make_wheel(folder: Path, name: str) -> str:
    """An empty package; its checksum."""
    file = folder / f"{name}-1-py3-none-any.whl"
    about = f"{name}-1.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()
