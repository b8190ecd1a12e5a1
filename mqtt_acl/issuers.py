"""Which issuer belongs to which broker: the only place that chooses."""

from chat.secrets import Secrets
from chat.settings import Settings
from mqtt_acl.issuer import Issuer
from mqtt_acl.mosquitto import DynamicSecurityIssuer


def issuer_for(settings: Settings, secrets: Secrets) -> Issuer:
    """The issuer for the installation's broker; it connects when first used."""
    if settings.broker == "rabbitmq":
        # Imported here: its HTTP client is a tenth of what starting the site takes.
        from mqtt_acl.rabbitmq import KickingIssuer

        return KickingIssuer(settings)
    return DynamicSecurityIssuer(settings, secrets)
