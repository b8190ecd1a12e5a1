"""What is told, counted; `/metrics` of the site shows it, with all processes of the machine."""

from prometheus_client import Counter

TOLD = Counter(
    "katydid_notifications_total",
    "Requests to push services, by what came of them: taken, gone, refused or unreachable.",
    ["outcome"],
)
