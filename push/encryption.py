"""A payload encrypted for one browser (RFC 8291, in the content coding `aes128gcm` of RFC 8188).

Whoever passes it on, the push service first of all, sees its size and nothing more.
"""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chat.push_keys import from_base64url

_SALT_BYTES = 16
# One record holds all: what is told is shorter, and a push service takes no more.
_RECORD_BYTES = 4096
_LAST_RECORD = b"\x02"


def encrypted(payload: bytes, *, p256dh: str, auth: str) -> bytes:
    """For the browser whose subscription has these keys; another result at each call. Raises
    ValueError when `p256dh` is no key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return encrypted_with(payload, p256dh=p256dh, auth=auth, key=key, salt=os.urandom(_SALT_BYTES))


def encrypted_with(
    payload: bytes, *, p256dh: str, auth: str, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """As `encrypted`, with what is random given. Neither `key` nor `salt` may serve twice."""
    browser = from_base64url(p256dh)
    ours = _point(key.public_key())
    shared = key.exchange(
        ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser)
    )
    # RFC 8291, section 3.4, and RFC 8188, sections 2.2 and 2.3.
    secret = _derived(
        shared, salt=from_base64url(auth), purpose=b"WebPush: info\0" + browser + ours, length=32
    )
    content_key = _derived(secret, salt=salt, purpose=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(secret, salt=salt, purpose=b"Content-Encoding: nonce\0", length=12)
    header = salt + _RECORD_BYTES.to_bytes(4) + len(ours).to_bytes(1) + ours
    return header + AESGCM(content_key).encrypt(nonce, payload + _LAST_RECORD, None)


def _derived(key: bytes, *, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=purpose).derive(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
