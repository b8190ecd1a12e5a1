"""The shell of the site, which a browser keeps to open without a network: `/static/…`,
`/service-worker.js`, and `/offline`, the page for those that need one.

Pages name files with their version, `/static/v-…/main.js`, and modules import their neighbours by
relative paths: so all of a page is of one version without a build step, and kept for ever. The same
path without the version is kept too, but asked about each time.
"""

import msgspec
from flask import Flask, Response, abort, render_template, request, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from web.assets import Asset, assets

_SERVICE_WORKER = "service_worker.js"
_FOR_EVER = "public, max-age=31536000, immutable"


class SessionsOfPages(SecureCookieSessionInterface):
    """Files are the same for everybody: else Flask-Login, which looks into each session, makes them
    "vary by cookie", and a browser fetches them all again after a login."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.endpoint != "static":
            super().save_session(app, session, response)


def address_files_by_version(app: Flask) -> None:
    """Let `url_for('static', filename=…)` name the version, and templates know the modules.
    Raises LibrariesMissing."""
    app.session_interface = SessionsOfPages()
    version = assets().version

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == "static":
            values["filename"] = f"{version}/{values['filename']}"

    app.jinja_env.globals["modules"] = assets().modules


def static(filename: str) -> Response:
    """A file. Of another version than ours there is none, so ours has to do; not for ever then."""
    version, _, rest = filename.partition("/")
    has_version = version.startswith("v-")
    asset = assets().get(rest if has_version else filename)
    if asset is None:
        abort(404)
    return _answer(asset, _FOR_EVER if version == assets().version else "no-cache")


def service_worker() -> Response:
    """The service worker: its file, after a line that says what it is to keep. It changes with
    every file, and that is how browsers notice a new version."""
    kept = [name for name in assets() if not name.endswith(".png") and name != _SERVICE_WORKER]
    shell = {
        "version": assets().version,
        "files": [url_for("static", filename=name) for name in kept],
        "page": url_for("chat"),
        "offline": url_for("offline"),
    }
    line = b"self.shell = " + msgspec.json.encode(shell) + b";\n"
    return _answer(Asset(_SERVICE_WORKER, line + assets()[_SERVICE_WORKER].content), "no-cache")


def offline() -> str:
    """What is shown in place of a page that needs a network, when there is none."""
    return render_template("offline.html")


def _answer(asset: Asset, cache_control: str) -> Response:
    encoding = request.accept_encodings.best_match(asset.encodings, default="identity")
    response = Response(asset.encoded(encoding), mimetype=asset.mimetype)
    response.headers["Cache-Control"] = cache_control
    response.set_etag(f"{asset.checksum}-{encoding}")
    if encoding != "identity":
        response.headers["Content-Encoding"] = encoding
    if len(asset.encodings) > 1:
        response.vary.add("Accept-Encoding")
    response.make_conditional(request)
    return response
