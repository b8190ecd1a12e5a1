"""What a link has to say: random, known to whoever was given it alone; tables have a digest of it,
so that who reads them cannot use it."""

import base64
import hashlib
import secrets


def new_token() -> str:
    """32 characters of base64url."""
    return secrets.token_urlsafe(24)


def digest_of(token: str) -> str:
    """SHA-256, as 43 characters of base64url."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
