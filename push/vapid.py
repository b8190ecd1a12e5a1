"""Who asks a push service: a JSON Web Token signed with the key of this installation (RFC 8292)."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from chat.push_keys import base64url, public_part_of

# A push service takes a token for a day at most.
_LASTS = timedelta(hours=12)
_HEADER = b'{"typ":"JWT","alg":"ES256"}'


def authorization(
    endpoint: str, *, key: ec.EllipticCurvePrivateKey, contact: str, now: datetime
) -> str:
    """The header of that name, for the push service of `endpoint` alone; `contact` is whom it may
    ask."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + _LASTS).timestamp()),
        "sub": contact,
    }
    signed = f"{base64url(_HEADER)}.{base64url(msgspec.json.encode(claims))}"
    return f"vapid t={signed}.{_signature(key, signed)},k={public_part_of(key)}"


def _signature(key: ec.EllipticCurvePrivateKey, signed: str) -> str:
    """Both numbers, 32 bytes each (RFC 7518, section 3.4)."""
    both = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256())))
    return base64url(b"".join(number.to_bytes(32) for number in both))
