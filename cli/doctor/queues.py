"""How much the broker keeps for who is away, and whether that is on its disk.

mosquitto does not say so while it runs: of one that was started here the configuration is read. One
that runs elsewhere tells some of it at CONNECT. RabbitMQ is asked over its management API.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from chat.errors import BrokerUnreachable
from chat.topics import SHARDS, shard_digit
from chat.user_names import bridge_user_name
from cli.broker import configuration
from cli.broker_state import SNAPSHOT, SQLITE
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation
from mqtt_acl.http_auth import VHOST, queues_of
from mqtt_acl.management import Management

_OLDEST_RABBITMQ = (4, 3)
# As a limit of deliveries in vain; nothing there says it in words.
_FOR_EVER = 1_000_000
# Name → the least that is enough. 0 means "no limit" to mosquitto.
_LEAST = {
    "max_queued_messages": 1_000_000,
    "max_queued_bytes": 134_217_728,
    "max_inflight_messages": 1_000,
}
# Name → what it must say.
_MUST_BE = {"allow_anonymous": "false", "per_listener_settings": "false"}
_MUST_BE_OF_SNAPSHOTS = {"persistence": "true", "autosave_on_changes": "false"}
_MOST_AUTOSAVE_SECONDS = 60
_DEFAULTS = {
    "max_queued_messages": "1000",
    "max_queued_bytes": "0",
    "max_inflight_messages": "20",
    "persistence": "false",
    "autosave_on_changes": "false",
    "autosave_interval": "1800",
    "plugin_opt_flush_period": "5",
    "allow_anonymous": "false",
    "per_listener_settings": "false",
}
_MEND = "Take the line from mosquitto.conf of this version, and start the broker anew."


def check_queues(installation: Installation) -> Iterator[Finding]:
    """What each broker can be asked."""
    if installation.settings.broker == "rabbitmq":
        yield from _of_rabbitmq(installation)
    elif installation.settings.starts_broker:
        yield from _of_mosquitto(installation)
    else:
        yield skipped(
            "queues",
            "What a mosquitto that runs elsewhere keeps cannot be seen from here: its configuration"
            " needs the limits and the persistence of mosquitto.conf.",
        )


def _of_mosquitto(installation: Installation) -> Iterator[Finding]:
    file = installation.settings.broker_dir / "mosquitto.conf"
    if not file.is_file():
        yield skipped("queues", f"There is no {file} yet; the first start of the broker makes it.")
        return
    written = file.read_text(encoding="utf-8")
    said = _DEFAULTS | _said_in(written)
    found = [*_too_small(said), *_unlike(said, _MUST_BE), *_not_kept(said, _has_plugin(written))]
    yield from found or [ok("queues", _kept(said, _has_plugin(written)))]
    if not found and written != configuration(installation.settings):
        yield warning(
            "queues",
            f"{file} is not what this version and these settings would write.",
            "It is written at each start of the broker: start Katydid anew, with these settings.",
        )


def _said_in(written: str) -> dict[str, str]:
    """Name → what the last line of that name says."""
    lines = (line.split(None, 1) for line in written.splitlines() if line.strip())
    return {words[0]: words[1].strip() for words in lines if len(words) == 2}


def _too_small(said: dict[str, str]) -> Iterator[Finding]:
    for name, least in _LEAST.items():
        if 0 < int(said[name]) < least:
            yield wrong(
                "queues",
                f"{name} is {said[name]}: beyond it, the broker drops what is written without a"
                " word.",
                f"It should be {least}. {_MEND}",
            )


def _unlike(said: dict[str, str], wanted: dict[str, str]) -> Iterator[Finding]:
    for name, must_be in wanted.items():
        if said[name] != must_be:
            says = f"{name} is {said[name]}, and must be {must_be}."
            yield wrong("queues", says, _MEND)


def _has_plugin(written: str) -> bool:
    """Whether the plugin persist-sqlite governs, instead of the snapshots of mosquitto itself."""
    lines = (line for line in written.splitlines() if line.startswith("plugin "))
    return any("persist_sqlite" in line for line in lines)


def _kept(said: dict[str, str], has_plugin: bool) -> str:
    limits = "The queues' limits are those of mosquitto.conf"
    if has_plugin:
        return f"{limits}; what waits goes to {SQLITE} as it comes (plugin persist-sqlite)."
    every = said["autosave_interval"]
    return f"{limits}; what waits goes to {SNAPSHOT} every {every} s (autosave_interval)."


def _not_kept(said: dict[str, str], has_plugin: bool) -> Iterator[Finding]:
    if has_plugin:
        if said["plugin_opt_flush_period"] != "0":
            yield _lost_when_killed(said, "plugin_opt_flush_period")
        return
    yield from _unlike(said, _MUST_BE_OF_SNAPSHOTS)
    if not 0 < int(said["autosave_interval"]) <= _MOST_AUTOSAVE_SECONDS:
        yield _lost_when_killed(said, "autosave_interval")


def _lost_when_killed(said: dict[str, str], name: str) -> Finding:
    return wrong(
        "queues",
        f"{name} is {said[name]}: so many seconds of what waits are lost, when the broker is"
        " killed, of senders that do not repeat.",
        _MEND,
    )


# RabbitMQ.


def _of_rabbitmq(installation: Installation) -> Iterator[Finding]:
    if installation.secrets is None:
        yield skipped("queues", "Without secrets, RabbitMQ cannot be asked.")
        return
    management = Management(installation.settings)
    try:
        yield _version(management)
        yield from _nodes(management)
        yield from _sessions(management)
    except BrokerUnreachable as error:
        yield wrong(
            "queues",
            f"RabbitMQ's management API does not answer: {error.problem}.",
            "See whether KATYDID_RABBITMQ_URL is right, and the admin's password that of"
            " secrets/admin_password.",
        )
    finally:
        management.close()


def _version(management: Management) -> Finding:
    version = str(management.get("/overview")["rabbitmq_version"])
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < _OLDEST_RABBITMQ:
        return wrong("queues", f"RabbitMQ is of version {version}.", "4.3 or newer is needed.")
    return ok("queues", f"RabbitMQ is of version {version}.")


def _nodes(management: Management) -> Iterator[Finding]:
    for node in management.get("/nodes"):
        name = node["name"]
        if not node["running"]:
            yield wrong("queues", f"The node {name} does not run.", "Start it: others carry on.")
        for alarm, what in (("mem_alarm", "memory"), ("disk_free_alarm", "disk")):
            if node.get(alarm):
                yield wrong(
                    "queues",
                    f"The node {name} is short of {what}: nobody can publish.",
                    f"Free {what} on its machine.",
                )


def _sessions(management: Management) -> Iterator[Finding]:
    """Those of the bridge must be there, on a majority of nodes, and never give up a message."""
    columns = "name,type,effective_policy_definition"
    listed = management.get(f"/queues/{quote(VHOST, safe='')}?columns={columns}")
    kinds = {queue["name"]: queue.get("type") for queue in listed}
    policies = {queue["name"]: queue.get("effective_policy_definition") for queue in listed}
    found = [*_unfit(kinds), *_giving_up(policies)]
    yield from found or [
        ok("queues", f"All {SHARDS} sessions of the bridge are there, on quorum queues.")
    ]


def _unfit(kinds: dict[str, str | None]) -> Iterator[Finding]:
    for shard in range(SHARDS):
        _, queue, _ = queues_of(bridge_user_name(shard))
        if queue not in kinds:
            yield wrong(
                "queues",
                f"RabbitMQ has no session of shard {shard_digit(shard)}: what is written there is"
                " lost.",
                "Let a bridge run that serves all shards; meanwhile the door lets nobody in.",
            )
        elif kinds[queue] != "quorum":
            yield wrong(
                "queues",
                f"The queue {queue} is {kinds[queue]}, and ends with its node.",
                "Set mqtt.durable_queue_type = quorum (deploy/rabbitmq.conf), stop the bridges,"
                " delete the queue, and start them.",
            )


def _giving_up(policies: dict[str, dict[str, Any] | None]) -> Iterator[Finding]:
    bridges = (queues_of(bridge_user_name(shard))[1] for shard in range(SHARDS))
    there = [policies[queue] or {} for queue in bridges if queue in policies]
    if any(int(policy.get("delivery-limit", 0)) < _FOR_EVER for policy in there):
        yield wrong(
            "queues",
            "No policy keeps RabbitMQ from throwing away what was delivered in vain 20 times.",
            "Set the default_policies.operator lines of deploy/rabbitmq.conf, or their policy.",
        )
