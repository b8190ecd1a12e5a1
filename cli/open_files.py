"""How many files, and so connections, a broker or a site may have open."""

import resource

# Each connection is one. Not as many as may be: tables are made for all of them at once, and where
# there is no limit (in some containers: a thousand million) these would fill the memory.
_MOST = 100_000


def allow_many_open_files() -> None:
    """This process, and what it becomes, may have as many as the system lets it; a login's limit is
    1,024 on most systems, and mosquitto 2.0 and RabbitMQ do not raise it themselves."""
    may_have, may_ask_for = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST if may_ask_for == resource.RLIM_INFINITY else min(_MOST, may_ask_for)
    if may_have != resource.RLIM_INFINITY and may_have < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, may_ask_for))
