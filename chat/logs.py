"""Log lines of all our programs: a fixed sentence and its fields, one JSON object a line.

Never a password, a secret, or what people write to each other.
"""

import logging
import sys

import structlog


def configure_logs(program: str, *, least: int = logging.INFO) -> None:
    """Send this program's log lines, from that level on, to standard error, each marked with its
    name."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(program=program)
