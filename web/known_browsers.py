"""Browsers in which a code of the account's second factor was right before.

They have attempts of their own (`limits.py`), so that nobody who knows the password, and guesses at
codes, keeps its owner out. What tells them is a cookie beside the session's, signed, which outlives
a logout. It opens nothing: with it one guesses as often as without.
"""

import secrets
from datetime import timedelta

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from chat.models import Account
from web.parts import parts

_LASTS = timedelta(days=180)
_PURPOSE = "known browser"


def known_browser(account: Account) -> str | None:
    """What this browser is called, if it is known to be one of the account's."""
    try:
        account_id, browser = _signer().loads(
            request.cookies.get(_cookie(), ""), max_age=int(_LASTS.total_seconds())
        )
    except (BadSignature, ValueError, TypeError):
        return None
    return str(browser) if account_id == account.id else None


def remember_browser(account: Account) -> None:
    """A code was right in this browser just now."""
    signed = _signer().dumps([account.id, known_browser(account) or secrets.token_hex(8)])

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            signed,
            max_age=_LASTS,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-known"


def _signer() -> URLSafeTimedSerializer:
    """By the newest key; what is signed by the one before it holds as long as that."""
    newest_last = [*parts().secrets.old_keys_for(_PURPOSE), parts().secrets.key_for(_PURPOSE)]
    return URLSafeTimedSerializer(newest_last, salt=_PURPOSE)
