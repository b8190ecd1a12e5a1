"""Writes that a browser sends by itself with its cookie must prove that our page asked for them.

The proof is the token that each page carries: form field `csrf_token` or header `X-CSRFToken`. Who
comes to the API without a cookie has nothing that another site could make a browser send: JSON
and DELETE need our permission first, which no answer of ours gives.
"""

from flask import Flask, request
from flask_wtf import CSRFProtect

from web.callers import is_api_call


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
            csrf.protect()
