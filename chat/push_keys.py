"""The key by which push services know this installation (VAPID, RFC 8292).

Derived from the server key, so all workers on all machines have the same one, and nothing more has
to be kept. A browser's subscription holds for one key alone.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from chat.secrets import Secrets

_PURPOSE = "web push"
# The order of the curve P-256 (FIPS 186-4, D.1.2.3): private keys lie below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def vapids_of(secrets: Secrets) -> list[Vapid02]:
    """What signs our requests to push services, newest first: there are two while the server key is
    being changed, for browsers that subscribed before."""
    return [
        Vapid02(ec.derive_private_key(int.from_bytes(key) % (_ORDER - 1) + 1, ec.SECP256R1()))
        for key in (secrets.key_for(_PURPOSE), *secrets.old_keys_for(_PURPOSE))
    ]


def public_key_of(secrets: Secrets) -> str:
    """The `applicationServerKey` that browsers subscribe with: base64url, 87 characters."""
    [vapid, *_] = vapids_of(secrets)
    point = vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
