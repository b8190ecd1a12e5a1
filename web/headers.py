"""The headers of every answer: what a browser may do with it, and who may keep a copy.

The policy allows nothing but our own files and the broker: no inline script, no other site's
anything. Whatever gets into a page beyond that does not run.
"""

from flask import Flask, Response, request

from chat.settings import Settings
from web.addresses import is_https, websocket_origin

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FOR_DOCUMENTS = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(),"
        " magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
    ),
}


# A year. Whoever came by https once comes by nothing else, whatever a network in between says.
_BY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


def send_security_headers(app: Flask, settings: Settings) -> None:
    """Add them to each answer of the site, errors included."""
    always = _ALWAYS | _BY_HTTPS if is_https(settings) else _ALWAYS

    @app.after_request
    def add_headers(response: Response) -> Response:
        # Nobody else sets these, so nobody's have to be looked for.
        response.headers.extend(always)
        if not _is_for_a_document():
            response.headers.extend(_FOR_DOCUMENTS)
            policy = content_security_policy(websocket_origin(settings))
            response.headers.add("Content-Security-Policy", policy)
        # Static files say for themselves that they may be kept and must be asked about.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _is_for_a_document() -> bool:
    """Whether a document with rules of its own asks for a script or a style sheet: it goes by its
    own, and ours would be 20 kB of a first visit. Workers have rules of their own."""
    return request.headers.get("Sec-Fetch-Dest") in ("script", "style")


def content_security_policy(websocket: str) -> str:
    """The strict policy; pages connect to us and to the broker's WebSocket alone."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {websocket}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
