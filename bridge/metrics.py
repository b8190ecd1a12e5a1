"""What the bridge counts; `/metrics` of the site shows it, with all processes of the machine."""

from prometheus_client import Counter, Gauge, Histogram

ARCHIVED = Counter("katydid_messages_archived_total", "Messages stored, each counted once.")
REPEATED = Counter(
    "katydid_messages_repeated_total", "Repeats, answered with the record that was stored."
)
REFUSED = Counter(
    "katydid_refusals_total", "What had no effect, by the reason told its sender.", ["reason"]
)
COPIES_REFUSED = Counter(
    "katydid_copies_refused_total", "Deliveries that the broker refused; the archive has them."
)
BATCH_COMMANDS = Histogram(
    "katydid_batch_commands",
    "Commands in one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
BATCH_SECONDS = Histogram(
    "katydid_batch_seconds",
    "From the begin of a transaction to its end.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
WAITING = Gauge(
    "katydid_commands_waiting",
    "What has come from the broker and is not archived yet.",
    multiprocess_mode="livesum",
)
DATABASE_RETRIES = Counter("katydid_database_retries_total", "Batches that had to be tried again.")
SESSIONS = Gauge(
    "katydid_sessions_connected",
    "Shards whose session is connected.",
    multiprocess_mode="livesum",
)
CONNECTIONS_LOST = Counter("katydid_sessions_lost_total", "Connections to the broker that ended.")
