"""`./katydid prepare`: what `up` would install, and nothing else; for a service that may not.

Python packages are the business of the script `katydid`, which has brought them before this.
"""

from collections.abc import Mapping

from chat.settings import Settings, settings_from
from cli.browser_libraries import bring_browser_libraries
from cli.mosquitto import dynamic_security_plugin
from cli.programs import bring_program
from cli.terminal import say


def prepare(environ: Mapping[str, str]) -> int:
    """Exit status: 0 when nothing is missing any more."""
    bring_what_is_missing(settings_from(environ))
    say("everything is there that these settings need")
    return 0


def bring_what_is_missing(settings: Settings) -> None:
    """The programs that `up` runs with these settings, and the browser's libraries."""
    if settings.starts_broker:
        bring_program("mosquitto", package="mosquitto")
        dynamic_security_plugin()
    if settings.has_tls:
        bring_program("haproxy", package="haproxy")
    bring_browser_libraries()
