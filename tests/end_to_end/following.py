"""A newcomer who has the README and nothing else: its commands, as they stand there, in a clone of
what would be committed, on ports of its own.

What is not the reader's to choose is put in their place: git finds our files where the README
names an address, and ports are free ones.
"""

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from chat.settings import REPOSITORY
from cli.free_ports import free_ports
from tests.ports import is_listening
from tests.running import wait_until

_PORTS = {"KATYDID_HTTP_PORT": 8000, "KATYDID_MQTT_PORT": 1883, "KATYDID_WEBSOCKET_PORT": 9001}
_ADDRESS = re.compile(r"git clone (\S+)")


def blocks(page: str, heading: str) -> list[str]:
    """The commands below that heading, a block each."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


class Newcomer:
    """`folder` is where they sit, `clone` what they have then, which begins as what git has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clone = folder / "katydid"
        self.ports = dict(zip(_PORTS, free_ports(3), strict=True))
        self._said = folder / "said.txt"
        self._process: subprocess.Popen[bytes] | None = None
        source = _committed(folder / "source")
        [self._commands] = blocks((source / "README.md").read_text(), "Start")
        found = _ADDRESS.search(self._commands)
        assert found is not None, "the README does not say where Katydid is"
        self._environ = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            **{name: str(port) for name, port in self.ports.items()},
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{source.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": found[1],
        }

    def start(self) -> str:
        """Run the README's commands, the last of them alone where there is a clone already; what
        they say when all is ready. Nothing happens while it runs."""
        if self._process is None:
            commands, folder = self._commands, self.folder
            if self.clone.exists():
                commands, folder = commands.splitlines()[-1], self.clone
            with self._said.open("wb") as output:
                self._process = subprocess.Popen(
                    ["sh", "-ec", commands],
                    cwd=folder,
                    env=self._environ,
                    stdout=output,
                    stderr=output,
                    process_group=0,
                )
            wait_until("Katydid to be ready", self._is_ready, seconds=200)
        return self._said.read_text()

    def stop(self) -> None:
        """Ctrl-C, and wait for what that ends."""
        if self._process is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None
            ports = self.ports.values()
            wait_until("all to be stopped", lambda: not any(map(is_listening, ports)), seconds=30)

    def page(self, path: str) -> str:
        """A page of the clone, with the ports that this one has."""
        text = (self.clone / path).read_text()
        for name, usual in _PORTS.items():
            text = text.replace(f":{usual}", f":{self.ports[name]}")
        return text

    def paste(self, line: str) -> None:
        """Into a terminal; it must succeed."""
        subprocess.run(["sh", "-ec", line], cwd=self.folder, check=True, timeout=60)

    def _is_ready(self) -> bool:
        said = self._said.read_text()
        assert self._process is not None
        assert self._process.poll() is None, said
        return "Katydid is ready" in said


def _committed(folder: Path) -> Path:
    """A repository with what a clone of ours has: no environment, no browser libraries, no home."""
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
    git = ["git", "-c", "user.name=Katydid", "-c", "user.email=katydid@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All there is."]):
        subprocess.run([*git, *words], cwd=folder, check=True, timeout=60)
    return folder
