"""Machines for tests that are nothing but namespaces of this one: each with an address, a name,
mounts and processes of its own, in a network that is reached from nowhere else. Linux, root."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conftest import cannot_run
from tests.running import wait_until

_BRIDGE = "inside"
_ALL = ("--net", "--uts", "--ipc", "--mount", "--pid")


class Machine:
    """`address` is where it is reached by the others."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        apart = ["--net", "--uts", "--ipc", "--mount", "--propagation=private"]
        # All that runs there ends with the first process, and that with its parent.
        apart += ["--pid", "--fork", "--kill-child", "--mount-proc"]
        self._parent = subprocess.Popen(["unshare", *apart, "sleep", "3600"])
        wait_until(f"{name} to be there", self._has_begun)
        self.shell("mount -t tmpfs tmpfs /dev/shm")

    @property
    def process(self) -> int:
        """The first one, which does nothing."""
        [first] = self._children()
        return first

    def command(self, words: Sequence[str]) -> list[str]:
        """The words that run these on it."""
        return ["nsenter", f"--target={self.process}", *_ALL, *words]

    def run(
        self, *words: str, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run something there to its end, within 30 seconds."""
        return subprocess.run(
            self.command(words),
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def shell(self, script: str) -> None:
        done = self.run("sh", "-ec", script)
        if done.returncode != 0:
            raise AssertionError(f"on {self.name}: {done.stderr}")

    def end(self) -> None:
        self._parent.kill()
        self._parent.wait()

    def _children(self) -> list[int]:
        parent = self._parent.pid
        return [int(n) for n in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

    def _has_begun(self) -> bool:
        assert self._parent.poll() is None, "namespaces cannot be made here"
        children = self._children()
        # Before that it is still about to leave for its own.
        return bool(children) and Path(f"/proc/{children[0]}/comm").read_text() == "sleep\n"


class Network:
    """Machines that reach each other: `machines` by their names. `close` ends them all."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        check_namespaces()
        self._switch = Machine("switch", "")
        self._switch.shell(
            f"ip link set lo up; ip link add {_BRIDGE} type bridge; ip link set {_BRIDGE} up"
        )
        self.machines: dict[str, Machine] = {}
        try:
            for name, address in addresses.items():
                self.machines[name] = Machine(name, address)
                self._connect(self.machines[name])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for machine in (*self.machines.values(), self._switch):
            machine.end()

    def _connect(self, machine: Machine) -> None:
        port, switch = f"port{machine.address.rpartition('.')[2]}", str(self._switch.process)
        # Not among the switch's processes, where the machine's has no number.
        at_switch = ["nsenter", "--target", switch, "--net", "ip", "link"]
        cable = ["add", port, "type", "veth", "peer", "name", "eth0", "netns", str(machine.process)]
        for words in (cable, ["set", port, "master", _BRIDGE, "up"]):
            subprocess.run([*at_switch, *words], check=True, timeout=30)
        machine.shell(
            f"ip link set lo up; ip addr add {machine.address}/24 dev eth0; ip link set eth0 up;"
            f"hostname {machine.name}"
        )


def check_namespaces() -> None:
    """Without them, the test cannot run."""
    if os.geteuid() != 0 or not Path("/proc/self/ns/net").exists():
        cannot_run("namespaces are root's to make, on Linux")
    words = ["unshare", "--net", "--mount", "ip", "link", "add", "probe", "type", "bridge"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        cannot_run(f"networks cannot be made here: {tried.stderr.strip()}")
