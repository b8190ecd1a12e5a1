"""What the site counts; `/metrics` shows it together with what the bridge counts."""

import time

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "katydid_http_requests_total",
    "Answers of the site, by method, route and status.",
    ["method", "route", "status"],
)
SECONDS = Histogram(
    "katydid_http_request_seconds",
    "From the request to its answer, by route.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
# A caller may invent methods and paths without end; a metric must not follow.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "(none)"


def measure_requests(app: Flask) -> None:
    """Count each answer, and how long it took."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else _NO_ROUTE
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(route).observe(time.perf_counter() - g.began)
        return response
