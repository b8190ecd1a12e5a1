"""`./katydid up`: from whatever is there to a running chat, until Ctrl-C or SIGTERM.

The order of things: what stands in the way, what is missing, then broker, bridge and web under the
supervisor, and where to open it. Every problem is one sentence.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.devices import all_devices
from chat.errors import KatydidError, SettingError
from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import Settings, settings_from, unknown_names
from cli.broker import dynamic_security_plugin
from cli.browser_libraries import bring_browser_libraries
from cli.home import held_home
from cli.ports import check_ports, warn_of_open_doors
from cli.programs import bring_program
from cli.rabbitmq_conf import write_for_elsewhere
from cli.readiness import wait_until_ready, where_to_begin
from cli.supervision import STOPPED_WITHIN_SECONDS, children_environ, write_configuration
from cli.terminal import say
from mqtt_acl.issuer import credentials_of
from mqtt_acl.issuers import issuer_for


class CannotStart(KatydidError):
    """Something stands in the way that is not ours to remove."""


def up(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Runs until it is told to stop. Exit status: 0 then."""
    if arguments:
        raise CannotStart("up takes no arguments; its settings are environment variables.")
    os.umask(0o077)
    settings = settings_from(environ)
    for name in unknown_names(environ):
        say(f"warning: there is no setting {name}; is it misspelt?")
    _refuse_what_is_not_built(settings)
    with held_home(settings):
        check_ports(settings)
        if settings.starts_broker:
            bring_program("mosquitto", package="mosquitto")
            dynamic_security_plugin()
        bring_browser_libraries()
        _prepare_data(settings)
        warn_of_open_doors(settings)
        _Run(settings, environ).until_stopped()
    say("stopped")
    return 0


def _refuse_what_is_not_built(settings: Settings) -> None:
    if settings.broker == "rabbitmq" and settings.starts_broker:
        problem = "is rabbitmq, which up does not start; KATYDID_MQTT_HOST must say where it runs"
        raise SettingError("KATYDID_BROKER", problem)
    if not settings.database_url.startswith("sqlite"):
        raise SettingError("KATYDID_DATABASE_URL", "must be sqlite:///PATH in this version")


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
        problem = getattr(error, "orig", None) or error
        raise CannotStart(f"The database {settings.database_url} fails: {problem}.") from None
    finally:
        database.close()


def _restore(settings: Settings, database: Database) -> None:
    secrets = load_secrets(settings)
    issuer = issuer_for(settings, secrets)
    try:
        with database.reading() as session:
            issuer.restore(
                credentials_of(account, device, secrets.server_key)
                for account, device in all_devices(session)
            )
    finally:
        issuer.close()


class _Run:
    """The supervisor at work, ended by SIGINT, SIGTERM or a closed terminal."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._told_to_stop = False
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "cli.supervisor", str(write_configuration(settings))],
            env=children_environ(settings, environ),
            # Ctrl-C must reach us alone, who stop all in good order.
            start_new_session=True,
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def until_stopped(self) -> None:
        """Raises CannotStart when it does not become ready, or ends without being told to."""
        try:
            if wait_until_ready(self._settings, is_over=self._is_over):
                print(where_to_begin(self._settings), flush=True)
            self._supervisor.wait()
        finally:
            self._end()
        if not self._told_to_stop:
            log = self._settings.logs_dir / "supervisor.log"
            raise CannotStart(f"The supervisor ended by itself; {log} may say why.")

    def _is_over(self) -> bool:
        return self._told_to_stop or self._supervisor.poll() is not None

    def _stop(self, *_: object) -> None:
        if not self._told_to_stop:
            self._told_to_stop = True
            say("stopping")
            self._supervisor.terminate()

    def _end(self) -> None:
        self._supervisor.terminate()
        try:
            self._supervisor.wait(timeout=STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
