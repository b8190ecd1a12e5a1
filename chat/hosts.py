"""Hosts and ports as programs write them. IPv6 addresses stand in brackets before a port."""

# Where a server listens for everybody, which is no place that a client could go to.
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def reachable(host: str) -> str:
    """Where a program on this machine reaches who listens at that host."""
    return _WILDCARDS.get(host, host)


def address(host: str, port: int) -> str:
    """HOST:PORT, as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
