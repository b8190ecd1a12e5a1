"""Settings: those that are misspelt, those that do not go together, those that let everybody in."""

from collections.abc import Iterator

from chat.settings import unknown_names
from cli.doctor.findings import Finding, ok, warning, wrong
from cli.doctor.installation import Installation
from cli.ports import is_loopback


def check_settings(installation: Installation) -> Iterator[Finding]:
    """One finding for each that is wrong, or one that all can be used."""
    found = [*_misspelt(installation), *_without_broker(installation), *_open_doors(installation)]
    yield from found or [ok("settings", f"All can be used; the home is {_home(installation)}.")]


def _home(installation: Installation) -> str:
    return str(installation.settings.home)


def _misspelt(installation: Installation) -> Iterator[Finding]:
    for name in unknown_names(installation.environ):
        yield warning(
            "settings",
            f"There is no setting {name}.",
            "It has no effect: correct its name (the README lists all), or take it away.",
        )


def _without_broker(installation: Installation) -> Iterator[Finding]:
    settings = installation.settings
    if settings.broker == "rabbitmq" and settings.starts_broker:
        yield wrong(
            "settings",
            "KATYDID_BROKER is rabbitmq, which up does not start.",
            "Set KATYDID_MQTT_HOST to where it runs.",
        )


def _open_doors(installation: Installation) -> Iterator[Finding]:
    settings = installation.settings
    is_behind_tls = settings.has_tls or (settings.public_url or "").startswith("https:")
    if not is_behind_tls and not is_loopback(settings.host):
        yield warning(
            "settings",
            f"KATYDID_HOST {settings.host} lets the network in, and nothing is encrypted, passwords"
            " neither.",
            "Set KATYDID_TLS_CERTIFICATE and KATYDID_TLS_KEY, or put a proxy with TLS in front and"
            " set KATYDID_PUBLIC_URL.",
        )
