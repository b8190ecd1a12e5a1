"""`python -m bench.logins`: how many devices a second can log in, and what that costs which part.

Devices connect, subscribe or not, and leave, as fast as they are answered: at one mosquitto, and
in the same run through HAProxy at the three nodes of a cluster. The CPU time of each part tells
which of them is the bottleneck.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from statistics import median

import mqtt5

from bench.installation import Installation, installation
from bench.people import Person, register
from bench.processes import cpu_seconds

_ANSWER_WITHIN_SECONDS = 60.0
_BROKERS = {"mosquitto": "up", "cluster": "cluster up"}


def main() -> None:
    """Prints a table, medians of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.logins", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--devices", type=int, default=20, help="how many log in at one time")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a round takes")
    parser.add_argument("--brokers", nargs="+", choices=_BROKERS, default=list(_BROKERS))
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores; {given.devices} devices at one time")
    with ExitStack() as ended:
        running = {
            broker: ended.enter_context(installation(*_BROKERS[broker].split()))
            for broker in given.brokers
        }
        devices = {
            broker: [register(each.url, f"device-{n}") for n in range(given.devices)]
            for broker, each in running.items()
        }
        first = None
        for subscribes in (False, True):
            print(f"\n{'logins with a subscription' if subscribes else 'logins alone'}")
            for broker, each in running.items():
                rate, costs = _measure(each, devices[broker], subscribes, given)
                first = first or rate
                print(f"  {broker:10} ratio {rate / first:6.3f}  {rate:8,.0f} a second")
                for part, cost in sorted(costs.items(), key=lambda pair: -pair[1]):
                    print(f"    {part:10} {cost:8,.0f} µs of CPU a login")


def _measure(
    running: Installation, devices: Sequence[Person], subscribes: bool, given: argparse.Namespace
) -> tuple[float, dict[str, float]]:
    """Logins a second, and the CPU µs of each kind of part a login."""
    rates: list[float] = []
    costs: list[Mapping[str, float]] = []
    for _ in range(given.rounds):
        parts = running.parts
        before = {name: cpu_seconds(pid) for name, pid in parts.items()}
        own = time.process_time()
        number, seconds = asyncio.run(_log_in(devices, subscribes, given.seconds))
        used = {name: cpu_seconds(pid) - before[name] for name, pid in parts.items()}
        used["client"] = time.process_time() - own
        rates.append(number / seconds)
        kinds = groupby(sorted(used), key=lambda name: name.partition("-")[0])
        costs.append({k: sum(used[name] for name in names) / number * 1e6 for k, names in kinds})
    return median(rates), {kind: median(each[kind] for each in costs) for kind in costs[0]}


async def _log_in(devices: Sequence[Person], subscribes: bool, seconds: float) -> tuple[int, float]:
    """All of them again and again; how often they did, and how long that took."""
    started = time.perf_counter()
    numbers = await asyncio.gather(
        *(_log_in_until(device, subscribes, started + seconds) for device in devices)
    )
    return sum(numbers), time.perf_counter() - started


async def _log_in_until(device: Person, subscribes: bool, deadline: float) -> int:
    number = 0
    while time.perf_counter() < deadline:
        await asyncio.wait_for(_log_in_once(device, subscribes), _ANSWER_WITHIN_SECONDS)
        number += 1
    return number


async def _log_in_once(device: Person, subscribes: bool) -> None:
    source, sink = await asyncio.open_connection(device.host, device.port)
    connect = mqtt5.ConnectPacket(
        device.user_name,
        username=device.user_name,
        password=device.password.encode(),
        clean_start=True,
        keep_alive=60,
    )
    sink.write(connect.write())
    answer = await _next_packet(source)
    if not isinstance(answer, mqtt5.ConnAckPacket) or int(answer.reason_code) >= 0x80:
        raise ConnectionRefusedError(f"{device.user_name} was answered {answer!r}")
    if subscribes:
        down = mqtt5.TopicFilter(device.receive_filter, max_qos=mqtt5.QoS.AT_MOST_ONCE)
        sink.write(mqtt5.SubscribePacket(1, [down]).write())
        while not isinstance(await _next_packet(source), mqtt5.SubAckPacket):
            pass  # news of others, which come when they will
    sink.write(mqtt5.DisconnectPacket().write())
    sink.close()
    await sink.wait_closed()


async def _next_packet(source: asyncio.StreamReader) -> mqtt5.Packet:
    head = await source.readexactly(2)
    while head[-1] & 0x80:  # a length of up to four bytes, MQTT 5 section 1.5.5
        head += await source.readexactly(1)
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:]))
    packet, _ = mqtt5.read(memoryview(head + await source.readexactly(length)))
    return packet


if __name__ == "__main__":
    main()
