"""What of the installation runs at all: `up`, the site, and RabbitMQ's door."""

from collections.abc import Iterator

import httpx

from chat.hosts import address, reachable
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation, is_listening

_ANSWER_WITHIN_SECONDS = 5.0


def check_running(installation: Installation) -> Iterator[Finding]:
    """Says so when nothing runs: then much cannot be examined, and nothing is wrong by that."""
    if installation.up_process is not None:
        yield ok("running", f"./katydid up runs, as process {installation.up_process}.")
    elif installation.runs:
        yield ok("running", "Its programs were started one by one, or elsewhere.")
    else:
        yield warning(
            "running",
            "Nothing of it runs now, so what needs a running broker or bridge was not examined.",
            "Start ./katydid up, and ask the doctor again.",
        )


def check_site(installation: Installation) -> Iterator[Finding]:
    """What the site says of itself at /healthz."""
    settings = installation.settings
    url = f"http://{address(reachable(settings.plain_host), settings.http_port)}"
    if not installation.site_listens:
        says = f"Nobody answers at {url}."
        if installation.up_process is None:
            yield skipped("site", f"{says} The site does not run here.")
        else:
            yield wrong(
                "site", says, f"See why in {settings.logs_dir}/web.log; up starts it again."
            )
        return
    try:
        answer = httpx.get(f"{url}/healthz", timeout=_ANSWER_WITHIN_SECONDS, trust_env=False)
        parts = answer.json()["parts"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        yield wrong(
            "site",
            f"What answers at {url}/healthz is not Katydid's site.",
            "Stop the other program, or set KATYDID_HTTP_PORT to another port.",
        )
        return
    problems = [part["problem"] for part in parts.values() if not part["ready"]]
    for problem in problems:
        yield wrong("site", f"The site is not ready: {problem}", "See what is told of that part.")
    if not problems:
        yield ok("site", f"It answers at {url}, and says that all is ready.")


def check_door(installation: Installation) -> Iterator[Finding]:
    """Where RabbitMQ asks who may come in."""
    settings = installation.settings
    if settings.broker != "rabbitmq":
        return
    host = reachable(settings.auth_host)
    if is_listening(host, settings.auth_port):
        yield ok("door", f"It answers at port {settings.auth_port}.")
    elif installation.up_process is None:
        yield skipped("door", "The door does not run here.")
    else:
        yield wrong(
            "door",
            f"Nobody answers at {address(host, settings.auth_port)}: no device is let in.",
            f"See why in {settings.logs_dir}/door.log.",
        )
