"""The key by which push services know this installation (VAPID, RFC 8292).

Derived from the server key, so all workers on all machines have the same one, and nothing more has
to be kept. A browser's subscription holds for one key alone.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chat.secrets import Secrets

_PURPOSE = "web push"
# The order of the curve P-256 (FIPS 186-4, D.1.2.3): private keys lie below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def push_keys_of(secrets: Secrets) -> list[ec.EllipticCurvePrivateKey]:
    """What signs what push services are asked, newest first: there are two while the server key is
    being changed, for browsers that subscribed before."""
    return [
        ec.derive_private_key(int.from_bytes(key) % (_ORDER - 1) + 1, ec.SECP256R1())
        for key in (secrets.key_for(_PURPOSE), *secrets.old_keys_for(_PURPOSE))
    ]


def public_key_of(secrets: Secrets) -> str:
    """The `applicationServerKey` that browsers subscribe with: base64url, 87 characters."""
    return public_part_of(push_keys_of(secrets)[0])


def public_part_of(key: ec.EllipticCurvePrivateKey) -> str:
    """The same, of a key that is at hand."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64url(point)


def base64url(content: bytes) -> str:
    """As Web Push writes everything: without the signs that fill it up."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The other way. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
