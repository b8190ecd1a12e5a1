"""The key by which push services know this installation (VAPID, RFC 8292).

Derived from the server key, so all workers on all machines have the same one, and nothing more has
to be kept. A browser's subscription holds for one key alone.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from chat.secrets import Secrets

# The order of the curve P-256 (FIPS 186-4, D.1.2.3): private keys lie below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def vapid_of(secrets: Secrets) -> Vapid02:
    """What signs our requests to push services."""
    number = int.from_bytes(secrets.key_for("web push")) % (_ORDER - 1) + 1
    return Vapid02(ec.derive_private_key(number, ec.SECP256R1()))


def public_key_of(secrets: Secrets) -> str:
    """The `applicationServerKey` that browsers subscribe with: base64url, 87 characters."""
    point = vapid_of(secrets).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
