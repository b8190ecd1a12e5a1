"""What `up` says of a home, or of secrets, that others of the machine get at."""

from pathlib import Path

import pytest

from chat.secrets import FILES, make_missing_secrets
from chat.settings import Settings, settings_from
from cli.home import held_home, warn_of_open_files


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_from({"KATYDID_HOME": str(tmp_path / "home")})
    with held_home(made):
        make_missing_secrets(made)
    return made


def test_what_is_for_its_owner_alone_is_not_worth_a_word(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_open_files(settings)

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711])
def test_a_home_that_others_get_into_is_named_with_what_helps(
    settings: Settings, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    settings.home.chmod(mode)

    warn_of_open_files(settings)

    said = capsys.readouterr().err
    assert f"get into KATYDID_HOME {settings.home} (mode {mode:04o})" in said
    assert f"chmod 700 {settings.home}" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_read_is_named_with_what_helps(
    settings: Settings, capsys: pytest.CaptureFixture[str], name: str, mode: int
) -> None:
    (settings.secrets_dir / name).chmod(mode)

    warn_of_open_files(settings)

    said = capsys.readouterr().err
    assert f"the secret {settings.secrets_dir / name} is not for its owner alone" in said
    assert said.count("\n") == 1
