"""Writes that a browser sends by itself with its cookie must prove that our page asked for them.

The proof is the token that each page carries: form field `csrf_token` or header `X-CSRFToken`. Who
comes to the API without a cookie has nothing that another site could make a browser send: JSON
and DELETE need our permission first, which no answer of ours gives.
"""

from flask import Flask, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms.validators import ValidationError

from web.callers import is_api_call
from web.parts import parts


def protect_writes(app: Flask) -> None:
    """Refuse writes without the token, wherever a cookie could have come along unasked."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        # A page may stay open for days; the token lasts as long as the session it belongs to.
        WTF_CSRF_TIME_LIMIT=None,
        # It compares the Referer with the Host, which many a proxy rewrites; the token is enough.
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf = CSRFProtect(app)

    @app.before_request
    def check_token() -> None:
        cookie = app.config["SESSION_COOKIE_NAME"]
        if request.endpoint and (cookie in request.cookies or not is_api_call()):
            try:
                csrf.protect()
            except CSRFError:
                if not _is_of_an_older_page():
                    raise


def _is_of_an_older_page() -> bool:
    """Whether the token is right by the server key before: a page that was open when the key was
    changed goes on."""
    token = request.form.get("csrf_token") or request.headers.get("X-CSRFToken")
    return any(_is_right(token, key) for key in parts().secrets.old_keys_for("session cookie"))


def _is_right(token: str | None, key: bytes) -> bool:
    try:
        validate_csrf(token, secret_key=key)
    except ValidationError:
        return False
    return True
