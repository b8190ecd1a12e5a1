"""`./katydid up`: from whatever is there to a running chat, until Ctrl-C or SIGTERM.

The order of things: what stands in the way, what is missing, then broker, bridge and web under the
supervisor, and where to open it. Every problem is one sentence.
"""

import os
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.devices import all_devices
from chat.errors import KatydidError, SettingError
from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import Settings, settings_from, unknown_names
from chat.times import now
from cli.foreground import Foreground
from cli.haproxy import check_certificate, check_certificate_lasts
from cli.home import held_home, warn_of_open_files
from cli.migrate import DatabaseFails
from cli.ports import check_ports, warn_of_open_doors
from cli.prepare import bring_what_is_missing
from cli.rabbitmq_conf import write_for_elsewhere
from cli.readiness import wait_until_ready, where_to_begin
from cli.supervision import Child, Rewire, Stage, alone, as_they_are, bridge, push, python
from cli.terminal import say
from mqtt_acl.issuer import credentials_of
from mqtt_acl.issuers import issuer_for


class CannotStart(KatydidError):
    """Something stands in the way that is not ours to remove."""


def up(environ: Mapping[str, str], arguments: list[str], *, rewire: Rewire = as_they_are) -> int:
    """Runs until it is told to stop. Exit status: 0 then."""
    if arguments:
        raise CannotStart("up takes no arguments; its settings are environment variables.")
    os.umask(0o077)
    settings = settings_from(environ)
    for name in unknown_names(environ):
        say(f"warning: there is no setting {name}; is it misspelt?")
    _refuse_what_is_not_built(settings)
    check_certificate(settings)
    check_certificate_lasts(settings, now())
    with held_home(settings):
        warn_of_open_files(settings)
        check_ports(settings)
        bring_what_is_missing(settings)
        _prepare_data(settings)
        warn_of_open_doors(settings)
        _run(settings, environ, rewire(_children(settings)))
    say("stopped")
    return 0


def _refuse_what_is_not_built(settings: Settings) -> None:
    if settings.broker == "rabbitmq" and settings.starts_broker:
        problem = "is rabbitmq, which up does not start; KATYDID_MQTT_HOST must say where it runs"
        raise SettingError("KATYDID_BROKER", problem)


def _prepare_data(settings: Settings) -> None:
    """Secrets and tables; a broker that runs elsewhere hears of all devices."""
    for path in make_missing_secrets(settings):
        say(f"made the secret {path}")
    if settings.broker == "rabbitmq":
        file = write_for_elsewhere(settings, load_secrets(settings))
        say(f"RabbitMQ at {settings.mqtt_host} must run with {file}, which holds secrets")
    database = Database(settings.database_url)
    try:
        database.migrate()
        if not settings.starts_broker:
            _restore(settings, database)
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()


def _restore(settings: Settings, database: Database) -> None:
    secrets = load_secrets(settings)
    issuer = issuer_for(settings, secrets)
    try:
        with database.reading() as session:
            # All of it first: the broker takes its time, and no transaction waits for that.
            everyone = [
                credentials_of(account, device, secrets.server_keys)
                for account, device in all_devices(session)
            ]
        issuer.restore(everyone)
    finally:
        issuer.close()


def _children(settings: Settings) -> list[Stage]:
    children = [
        bridge(settings),
        push(),
        Child(name="web", command=python("cli.web", "site")),
    ]
    if settings.starts_broker:
        # It writes its queues to the disk.
        broker = Child(name="broker", command=python("cli.broker"), stop_seconds=60)
        children.insert(0, broker)
    elif settings.broker == "rabbitmq":
        children.insert(0, Child(name="door", command=python("cli.web", "door")))
    if settings.has_tls:
        children.append(Child(name="haproxy", command=python("cli.haproxy")))
    return [alone(child) for child in children]


def _run(settings: Settings, environ: Mapping[str, str], stages: Sequence[Stage]) -> None:
    running = Foreground(settings, environ, stages)

    def begin() -> None:
        if wait_until_ready(settings, is_over=running.is_over):
            print(where_to_begin(settings), flush=True)

    running.until_stopped(begin)
