"""The site: pages, JSON API, health and metrics. `create_app` is the list of all that is in it.

Meets the bridge only in SQL and at the broker. gunicorn serves `web:site()`.
"""

import os
import sys

from flask import Flask

from chat.database import Database
from chat.errors import KatydidError
from chat.logs import configure_logs
from chat.secrets import Secrets, load_secrets
from chat.settings import Settings, settings_from
from mqtt_acl.issuer import Issuer
from mqtt_acl.issuers import issuer_for
from web.addresses import is_https
from web.api.accounts import accounts
from web.api.blocks import blocks
from web.api.conversations import conversations
from web.api.devices import DeviceInPath, devices
from web.api.documents import documents
from web.api.export import exports
from web.api.invitations import invitations
from web.api.logins import logins
from web.api.push import push
from web.api.reports import reports
from web.api.search import searches
from web.api.second_factor import second_factor
from web.api.things import things
from web.assets import LibrariesMissing
from web.callers import SESSION_LASTS, recognise_callers
from web.csrf import protect_writes
from web.deletions import finish_deletions_that_were_cut_off
from web.headers import send_security_headers
from web.health import Health
from web.indexing import index_in_background
from web.limits import Limits
from web.metrics import measure_requests
from web.pages.accounts import login, login_code, logout, register, reset
from web.pages.admin import admin_pages
from web.pages.chat import chat
from web.pages.chat import settings as settings_page
from web.pages.health import healthz
from web.pages.metrics import metrics
from web.pages.reference import reference
from web.pages.shell import address_files_by_version, offline, service_worker, static
from web.parts import Parts
from web.problems import answer_errors
from web.proxy import believe_proxies
from web.retention import forget_old_messages_in_background

LARGEST_BODY_BYTES = 64 * 1024


def create_app(settings: Settings, secrets: Secrets, issuer: Issuer, database: Database) -> Flask:
    """The site of one installation."""
    app = Flask(__name__, static_folder=None)  # `pages/shell.py` has a better way
    https = is_https(settings)
    app.config.update(
        SECRET_KEY=secrets.key_for("session cookie"),
        SECRET_KEY_FALLBACKS=secrets.old_keys_for("session cookie"),
        # A browser takes a cookie with this prefix from the site itself alone, by https alone.
        SESSION_COOKIE_NAME="__Host-katydid" if https else "katydid",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # Else each answer brings a cookie, and a late one undoes what a newer one said.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
    )
    app.extensions["katydid"] = Parts(
        settings=settings,
        secrets=secrets,
        issuer=issuer,
        database=database,
        limits=Limits(settings, database),
        health=Health(settings, database),
    )

    believe_proxies(app, settings.trusted_proxies)
    measure_requests(app)
    recognise_callers(app)
    protect_writes(app)
    answer_errors(app)
    send_security_headers(app, settings)
    address_files_by_version(app)

    app.url_map.converters["device"] = DeviceInPath
    app.add_url_rule("/", view_func=chat)
    app.add_url_rule("/register", view_func=register, methods=["GET", "POST"])
    app.add_url_rule("/login", view_func=login, methods=["GET", "POST"])
    app.add_url_rule("/reset", view_func=reset, methods=["GET", "POST"])
    app.add_url_rule("/login/code", view_func=login_code, methods=["GET", "POST"])
    app.add_url_rule("/logout", view_func=logout, methods=["POST"])
    app.add_url_rule("/settings", view_func=settings_page)
    app.add_url_rule("/static/<path:filename>", view_func=static)
    app.add_url_rule("/service-worker.js", view_func=service_worker)
    app.add_url_rule("/offline", view_func=offline)
    app.add_url_rule("/api", view_func=reference)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/metrics", view_func=metrics)
    app.register_blueprint(accounts)
    app.register_blueprint(second_factor)
    app.register_blueprint(logins)
    app.register_blueprint(devices)
    app.register_blueprint(conversations)
    app.register_blueprint(blocks)
    app.register_blueprint(invitations)
    app.register_blueprint(exports)
    app.register_blueprint(searches)
    app.register_blueprint(push)
    app.register_blueprint(documents)
    app.register_blueprint(things)
    app.register_blueprint(reports)
    app.register_blueprint(admin_pages)
    return app


def site() -> Flask:
    """The site that the environment asks for; ends the process where that cannot be."""
    configure_logs("web")
    try:
        settings = settings_from(os.environ)
        secrets = load_secrets(settings)
    except KatydidError as error:
        sys.exit(f"web: {error}")
    issuer = issuer_for(settings, secrets)
    try:
        app = create_app(settings, secrets, issuer, Database(settings.database_url))
    except LibrariesMissing as error:
        sys.exit(f"web: {error}")
    finish_deletions_that_were_cut_off(app)
    index_in_background(app)
    forget_old_messages_in_background(app)
    return app
