"""What the views work with: the parts that `create_app` was given, found again in a request."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from chat.database import Database
from chat.secrets import Secrets
from chat.settings import Settings
from mqtt_acl.issuer import Issuer
from web.health import Health
from web.limits import Limits


@dataclass(frozen=True)
class Parts:
    """One site's parts. None of them keeps what another process needs."""

    settings: Settings
    secrets: Secrets
    issuer: Issuer
    database: Database
    limits: Limits
    health: Health


def parts() -> Parts:
    """The parts of the site that answers this request."""
    return cast(Parts, current_app.extensions["katydid"])
