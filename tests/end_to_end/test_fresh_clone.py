"""From a fresh clone to two people chatting, in two commands: the README's, word for word."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from chat.settings import REPOSITORY
from tests.conftest import needs
from tests.end_to_end.person import Person
from tests.running import free_ports, wait_until


def fresh_clone(folder: Path) -> Path:
    """What a clone has: no environment, no browser libraries, no home."""
    kept = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in filter(None, kept.stdout.decode().split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


@contextmanager
def up(clone: Path, ports: list[int]) -> Iterator[float]:
    """`./katydid up` in the clone, while it lasts; gives the seconds until it was ready."""
    said = clone / "said.txt"
    names = ("KATYDID_HTTP_PORT", "KATYDID_MQTT_PORT", "KATYDID_WEBSOCKET_PORT")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ |= dict(zip(names, map(str, ports), strict=True))
    started = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["./katydid", "up"], cwd=clone, env=environ, stdout=output, stderr=output
        )
    try:
        wait_until(
            "Katydid to be ready",
            lambda: process.poll() is not None or "Katydid is ready" in said.read_text(),
            seconds=200,
        )
        assert process.poll() is None, said.read_text()
        yield time.monotonic() - started
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def test_two_people_talk_in_a_fresh_clone_and_find_it_after_a_second_start(
    tmp_path: Path, chromium: Browser, tell: Callable[[str], None]
) -> None:
    needs("mosquitto")
    clone, ports = fresh_clone(tmp_path), free_ports(3)
    alice, bob = (
        Person(chromium.new_context(), f"http://127.0.0.1:{ports[0]}", name)
        for name in ("alice", "bob")
    )

    with up(clone, ports) as seconds:
        tell(f"first start, from a fresh clone: {seconds:.1f} s")
        alice.register("Alice")
        bob.register("Bob")
        alice.talk_to(bob).write("Hello Bob")
        bob.open(alice).write("Hello Alice")
        alice.sees("Hello Bob", "Hello Alice")

    with up(clone, ports) as seconds:
        tell(f"second start, to a served page: {seconds:.1f} s")
        for person in (alice, bob):
            person.visit("/")
            person.wait_until_online()
        bob.open(alice).sees("Hello Bob", "Hello Alice")
        alice.open(bob).sees("Hello Bob", "Hello Alice")
