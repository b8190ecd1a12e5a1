"""`deploy/systemd/`: systemd understands the service, and finds it well shut in."""

import re
import subprocess
from pathlib import Path

import pytest

from chat.settings import REPOSITORY, settings_from
from tests.conftest import needs

FOLDER = REPOSITORY / "deploy" / "systemd"
UNIT = FOLDER / "katydid.service"
TLS = FOLDER / "katydid.service.d" / "tls.conf"
# Of ten; below two, systemd calls it well.
MOST_EXPOSED = 2.0


def verify(folder: Path, unit: str, **drop_ins: str) -> str:
    """What systemd has against the unit, for a clone that is where this one is."""
    file = folder / "katydid.service"
    file.write_text(unit.replace("/opt/katydid", str(REPOSITORY)))
    for name, content in drop_ins.items():
        (folder / "katydid.service.d").mkdir(exist_ok=True)
        (folder / "katydid.service.d" / f"{name}.conf").write_text(content)
    done = subprocess.run(
        [needs("systemd-analyze"), "verify", "--man=no", file],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if done.returncode == 0 and "katydid" not in done.stderr else done.stderr


def test_systemd_understands_it(tmp_path: Path) -> None:
    assert verify(tmp_path, UNIT.read_text()) == ""


def test_systemd_understands_what_is_added_for_tls(tmp_path: Path) -> None:
    assert verify(tmp_path, UNIT.read_text(), tls=TLS.read_text()) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("NoNewPrivileges=yes", "NoNewPrivilege=yes"),
        ("KillMode=mixed", "KillMode=some"),
        ("/opt/katydid/katydid up", "/no/such/program up"),
    ],
)
def test_what_it_does_not_understand_is_noticed(tmp_path: Path, right: str, wrong: str) -> None:
    assert verify(tmp_path, UNIT.read_text().replace(right, wrong)) != ""


def test_the_service_is_well_shut_in() -> None:
    done = subprocess.run(
        [needs("systemd-analyze"), "security", "--offline=true", UNIT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    found = re.search(r"Overall exposure level for katydid.service: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_what_it_sets_are_settings_that_are_allowed(tmp_path: Path) -> None:
    lines = re.findall(r"^Environment=(.*)$", UNIT.read_text() + TLS.read_text(), re.MULTILINE)
    environ = dict(word.split("=", 1) for line in lines for word in line.split())
    for name in ("certificate.pem", "key.pem"):
        (tmp_path / name).touch()

    settings = settings_from(
        {name: value.replace("%d", str(tmp_path)) for name, value in environ.items()}
    )

    assert settings.has_tls
    assert settings.public_url == "https://chat.example.org"
    # What systemd makes for it, and lets it change.
    assert f"StateDirectory={settings.home.relative_to('/var/lib')}\n" in UNIT.read_text()
