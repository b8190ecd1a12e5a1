"""What is kept of a secret that is long and random, so that whoever reads the table cannot use it.

A password is neither, and is hashed slowly (`accounts.py`).
"""

import base64
import hashlib


def digest_of(secret: str) -> str:
    """Its SHA-256, as 43 characters of base64url."""
    digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
