"""Settings and secrets: defaults, and one clear sentence for each bad value."""

from pathlib import Path

import pytest

from chat.errors import SecretMissing, SettingError
from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import settings_from, unknown_names


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = settings_from({})

    assert settings.home.name == "var"
    assert (settings.host, settings.http_port) == ("127.0.0.1", 8000)
    assert (settings.mqtt_port, settings.websocket_port) == (1883, 9001)
    assert settings.database_url == f"sqlite:///{settings.home}/katydid.db"
    assert settings.broker == "mosquitto"
    assert settings.starts_broker
    assert settings.rabbitmq_urls == ("http://127.0.0.1:15672",)
    assert (settings.auth_host, settings.auth_port) == ("127.0.0.1", 8001)
    assert settings.shards_served == tuple(range(16))
    assert (settings.rate_per_second, settings.rate_burst) == (20.0, 100)
    assert settings.login_limit == "10 per minute"
    assert settings.registration_limit == "20 per hour"
    assert settings.push_services == (
        "fcm.googleapis.com",
        "*.push.services.mozilla.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    )


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert settings_from({"KATYDID_HTTP_PORT": " "}).http_port == 8000


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("KATYDID_HTTP_PORT", "80 80", "a port number from 1 to 65535"),
        ("KATYDID_MQTT_PORT", "0", "a port number from 1 to 65535"),
        ("KATYDID_WEBSOCKET_PORT", "65536", "a port number from 1 to 65535"),
        ("KATYDID_HTTP_PORT", "-1", "a port number from 1 to 65535"),
        ("KATYDID_HOST", "not a host", "a host name or an IP address"),
        ("KATYDID_DATABASE_URL", "mysql://x", "sqlite:///PATH or postgresql"),
        ("KATYDID_DATABASE_URL", "postgresql://a:b@host/chat", "postgresql\\+psycopg://"),
        ("KATYDID_DATABASE_URL", "postgresql+psycopg://a:b@host", "HOST/NAME"),
        ("KATYDID_DATABASE_URL", "postgresql+psycopg://a:b@host:port/chat", "HOST/NAME"),
        ("KATYDID_DATABASE_URL", "postgresql+psycopg://a:b@c@host/chat", "%40 for @"),
        ("KATYDID_DATABASE_URL", "postgresql+psycopg://a:b/c@host/chat", "%2F for /"),
        ("KATYDID_DATABASE_URL", "postgresql+psycopg://a:b:c@host/chat", "%3A for :"),
        ("KATYDID_BROKER", "emqx", "mosquitto or rabbitmq"),
        ("KATYDID_RABBITMQ_URL", "http://a:15672,b:15672", "begins with http:// or https://"),
        ("KATYDID_AUTH_HOST", "not a host", "a host name or an IP address"),
        ("KATYDID_AUTH_PORT", "0", "a port number from 1 to 65535"),
        ("KATYDID_SHARDS_SERVED", "0,g", "hexadecimal digits"),
        ("KATYDID_SHARDS_SERVED", "0,,1", "hexadecimal digits"),
        ("KATYDID_REGISTRATION", "maybe", "open, invite or closed"),
        ("KATYDID_RATE_PER_SECOND", "0", "a number above 0"),
        ("KATYDID_RATE_PER_SECOND", "nan", "a number above 0"),
        ("KATYDID_RATE_BURST", "1.5", "a whole number above 0"),
        ("KATYDID_LOGIN_LIMIT", "many", "off, or a number per second, minute, hour or day"),
        ("KATYDID_REGISTRATION_LIMIT", "0 per hour", "off, or a number per"),
        ("KATYDID_DEVICE_LIMIT", "60", "off, or a number per"),
        ("KATYDID_PUSH_SERVICES", "https://push.example", "none, or host names with commas"),
        ("KATYDID_PUSH_SERVICES", "a.example,,b.example", "none, or host names with commas"),
        (
            "KATYDID_PUSH_CONTACT",
            "me@example.com",
            "mailto:ADDRESS or a URL that begins with https",
        ),
        ("KATYDID_PUBLIC_URL", "chat.example", "begins with http:// or https://"),
        ("KATYDID_PUBLIC_WEBSOCKET_URL", "http://chat.example", "begins with ws:// or wss://"),
        ("KATYDID_PUBLIC_MQTT", "chat.example", "HOST:PORT"),
        ("KATYDID_PUBLIC_MQTT", "chat.example:mqtt", "a port number"),
        ("KATYDID_TRUSTED_PROXIES", "proxy.example", "addresses and networks"),
        ("KATYDID_TRUSTED_PROXIES", "10.1.0.1/16", "addresses and networks"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingError, match=allowed) as wrong:
        settings_from({name: value})

    assert str(wrong.value).startswith(f"{name} is ")
    assert value in str(wrong.value) or "://" in value


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/katydid.db",
        "postgresql+psycopg://alice:b%40c@db.example:5432/chat",
        "postgresql+psycopg://alice@[::1]/chat?sslmode=verify-full",
        "postgresql+psycopg:///chat?host=/run/postgresql",
    ],
)
def test_both_databases_can_be_named(url: str) -> None:
    assert settings_from({"KATYDID_DATABASE_URL": url}).database_url == url


def test_the_nodes_of_a_cluster_are_named_with_commas_between() -> None:
    settings = settings_from({"KATYDID_RABBITMQ_URL": "http://one:15672/, https://two"})

    assert settings.rabbitmq_urls == ("http://one:15672", "https://two")


def test_a_misspelt_setting_is_noticed() -> None:
    environ = {"KATYDID_HTTP_PROT": "8080", "KATYDID_HTTP_PORT": "8080", "HOME": "/"}

    assert unknown_names(environ) == ["KATYDID_HTTP_PROT"]


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    settings = settings_from({"KATYDID_HOME": str(tmp_path)})

    made = make_missing_secrets(settings)
    first = load_secrets(settings)

    assert {path.name for path in made} == {"server_key", "admin_password", "bridge_password"}
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o600"}
    assert oct(settings.secrets_dir.stat().st_mode & 0o777) == "0o700"
    assert make_missing_secrets(settings) == []
    assert load_secrets(settings) == first
    assert first.admin_password not in repr(first)


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    settings = settings_from({"KATYDID_HOME": str(tmp_path)})
    make_missing_secrets(settings)
    (settings.secrets_dir / "bridge_password").unlink()

    with pytest.raises(SecretMissing, match="bridge_password"):
        load_secrets(settings)


def test_a_short_secret_is_no_secret(tmp_path: Path) -> None:
    settings = settings_from({"KATYDID_HOME": str(tmp_path)})
    make_missing_secrets(settings)
    (settings.secrets_dir / "server_key").write_text("short")

    with pytest.raises(SecretMissing, match="server_key"):
        load_secrets(settings)


def test_a_key_is_for_one_purpose_alone(tmp_path: Path) -> None:
    settings = settings_from({"KATYDID_HOME": str(tmp_path)})
    make_missing_secrets(settings)
    secrets = load_secrets(settings)

    assert secrets.key_for("session cookie") == secrets.key_for("session cookie")
    assert secrets.key_for("session cookie") != secrets.key_for("something else")
