"""A new server key, or a new password: whoever has something from the one before goes on until that
is retired. While a cluster runs: `tests/cluster/test_rotation.py`."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.accounts import account_named
from chat.devices import device_secret, new_device
from chat.errors import SecretMissing
from chat.models import Device
from chat.secrets import (
    Secrets,
    ServerKeys,
    load_secrets,
    make_missing_secrets,
    passwords_in,
)
from chat.settings import REPOSITORY, settings_from
from chat.times import now
from chat.topics import down_filter, up
from chat.user_names import ADMIN, bridge_user_name
from cli.home import held_home
from cli.rotate import rotate
from cli.rotate_key import CannotRotate
from cli.rotate_password import begin
from mqtt_acl.http_auth import door_path, door_words
from mqtt_acl.issuer import Credentials
from tests.conftest import needs
from tests.mqtt import Client
from tests.running import Installation


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.register("alice", "bob")
    yield installation
    installation.stop_all()


def change(home: Installation, *words: str) -> Secrets:
    """The command with these words; the secrets after it."""
    assert rotate(home.environ, list(words)) == 0
    home.secrets = load_secrets(home.settings)
    return home.secrets


def secret_of(home: Installation, device: Credentials) -> str:
    with home.database.reading() as sql:
        found = sql.get_one(Device, device.user_name.partition(".")[2])
    return device_secret(home.secrets.server_keys, found)


def test_a_new_key_is_another_and_the_one_before_holds_too(home: Installation) -> None:
    before = home.secrets
    old = home.new_device("alice")

    after = change(home)

    assert after.key_for("session cookie") != before.key_for("session cookie")
    assert after.old_keys_for("session cookie") == [before.key_for("session cookie")]
    assert door_path(after) != door_path(before)
    assert door_words(after)[1:] == door_words(before)
    assert (after.admin_password, after.bridge_password) == (
        before.admin_password,
        before.bridge_password,
    )
    assert secret_of(home, old) == old.password
    file = home.settings.secrets_dir / "server_key"
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert [each.name for each in file.parent.glob(".*")] == []


def test_a_device_made_later_has_its_secret_from_the_new_key(home: Installation) -> None:
    keys = change(home).server_keys
    with home.database.reading() as sql:
        alice = account_named(sql, "alice")
    assert alice is not None

    device = new_device(account=alice, name="Phone", kind="phone", now=now(), generation=keys.since)

    assert device_secret(keys, device) == device_secret(ServerKeys(keys.current), device)


def test_one_key_at_a_time_is_changed(home: Installation) -> None:
    before = change(home)

    with pytest.raises(CannotRotate, match="--retire ends it first"):
        rotate(home.environ, [])

    assert load_secrets(home.settings) == before


def test_whoever_would_be_cut_off_is_named_first(
    home: Installation, capfd: pytest.CaptureFixture[str]
) -> None:
    device = home.new_device("alice")
    before = change(home)

    with pytest.raises(CannotRotate, match=r"\(1\)"):
        rotate(home.environ, ["--retire"])

    said = capfd.readouterr().err
    assert f"alice: Test (thing, {device.user_name.partition('.')[2]}), no use noted" in said
    assert load_secrets(home.settings) == before
    assert secret_of(home, device) == device.password


def test_whoever_is_cut_off_has_another_secret_and_the_key_is_gone(home: Installation) -> None:
    device = home.new_device("alice")
    new = change(home)

    after = change(home, "--retire", "--cut-off")

    assert after.old_keys_for("session cookie") == []
    assert after.key_for("session cookie") == new.key_for("session cookie")
    assert secret_of(home, device) not in ("", device.password)
    assert len((home.settings.secrets_dir / "server_key").read_text().splitlines()) == 1


def test_a_second_change_is_as_the_first(home: Installation) -> None:
    first = home.new_device("alice")
    change(home)
    change(home, "--retire", "--cut-off")
    held = secret_of(home, first)

    change(home)

    assert secret_of(home, first) == held
    change(home, "--retire", "--cut-off")
    assert secret_of(home, first) != held


def test_where_nobody_is_left_nothing_has_to_be_confirmed(home: Installation) -> None:
    change(home)

    assert change(home, "--retire").old_keys_for("web push") == []

    with pytest.raises(CannotRotate, match="no server key from before"):
        rotate(home.environ, ["--retire"])


@pytest.mark.parametrize(
    "words",
    [
        *(["--cut-off"], ["retire"], ["--retire", "--now"], ["--retire", "server-key"]),
        *(["admin_password"], ["bridge-password", "--retire", "--cut-off"]),
    ],
)
def test_wrong_words_change_nothing(home: Installation, words: list[str]) -> None:
    with pytest.raises(CannotRotate, match="rotate is for one of"):
        rotate(home.environ, words)

    assert load_secrets(home.settings) == home.secrets


def test_nothing_is_changed_while_katydid_runs(home: Installation) -> None:
    with held_home(home.settings):
        answer = subprocess.run(
            [REPOSITORY / "katydid", "rotate"],
            env={"PATH": "/usr/bin:/bin"} | home.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert answer.returncode == 1
    assert "Katydid runs already" in answer.stderr
    assert load_secrets(home.settings) == home.secrets


@pytest.mark.parametrize("name", ["admin_password", "bridge_password"])
def test_at_rabbitmq_the_password_before_holds_until_it_is_retired(
    tmp_path: Path, name: str
) -> None:
    settings = settings_from({"KATYDID_HOME": str(tmp_path), "KATYDID_BROKER": "rabbitmq"})
    make_missing_secrets(settings)
    folder = settings.secrets_dir
    [first] = passwords_in(folder, name)

    begin(settings, name)

    new, before = passwords_in(folder, name)
    assert before == first != new
    assert new in (vars(load_secrets(settings)).values())
    assert (folder / name).stat().st_mode & 0o077 == 0
    with pytest.raises(CannotRotate, match="--retire ends it first"):
        begin(settings, name)
    assert passwords_in(folder, name) == [new, before]


@pytest.mark.parametrize(
    "text", ["", "{key}\nshort", "short\n{key}", "{key}\n{key}é"], ids=range(4)
)
def test_a_password_that_was_damaged_is_none(home: Installation, text: str) -> None:
    (home.settings.secrets_dir / "bridge_password").write_text(text.format(key="k" * 43 + "="))

    with pytest.raises(SecretMissing, match="bridge_password"):
        load_secrets(home.settings)


@pytest.mark.parametrize(
    "text", ["{key} two", "{key} 2\nshort", "short 2\n{key}", "{key} 2\n{key}é"], ids=range(4)
)
def test_a_file_that_was_damaged_is_no_key(home: Installation, text: str) -> None:
    (home.settings.secrets_dir / "server_key").write_text(text.format(key="k" * 43 + "="))

    with pytest.raises(SecretMissing, match="server_key"):
        load_secrets(home.settings)


def test_the_broker_lets_in_old_secrets_until_the_end_and_new_ones_after_it(
    home: Installation,
) -> None:
    needs("mosquitto")
    device = home.new_device("alice")
    change(home)

    home.start("broker")
    assert is_let_in(home, device)
    home.kill("broker")

    change(home, "--retire", "--cut-off")
    home.start("broker")
    assert not is_let_in(home, device)
    assert is_let_in(home, Credentials("alice", device.user_name, secret_of(home, device)))


def test_mosquitto_learns_new_passwords_of_our_own_programs_at_its_start(
    home: Installation,
) -> None:
    needs("mosquitto")
    home.start("broker", "bridge")
    bob, before = home.new_device("bob"), home.secrets
    home.kill_all()

    for name in ("admin-password", "bridge-password"):
        change(home, name)
        with pytest.raises(CannotRotate, match="from before"):
            rotate(home.environ, [name, "--retire"])
    home.start("broker", "bridge")

    assert not is_let_in(home, Credentials("", ADMIN, before.admin_password))
    assert is_let_in(home, Credentials("", ADMIN, home.secrets.admin_password))
    assert not is_let_in(home, Credentials("", bridge_user_name(0), before.bridge_password))
    with Client(home.settings, bob) as client:
        client.subscribe(down_filter("bob"))
        client.publish(up("bob", "alice", "send"), {"id": "1", "text": "hello"})
        client.wait_for("message", lambda message: message["id"] == "1")


def is_let_in(home: Installation, credentials: Credentials) -> bool:
    client = Client(home.settings, credentials).connect()
    client.close()
    return not client.connect_reason.is_failure
