"""How a test asks over HTTP on this machine, where nothing is encrypted."""

import ssl

import httpx

# Trusts nobody. Reading all the authorities that a machine trusts takes longer than starting to ask
# does, and httpx does it for each client, and each time without one.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def is_healthy(url: str) -> bool:
    """Whether a site is there and says that all is ready; cheap enough to be asked again and again,
    while what is waited for needs the processor."""
    try:
        return httpx.get(f"{url}/healthz", timeout=5, verify=NO_TLS).status_code == 200
    except httpx.HTTPError:
        return False
