"""`./katydid up` as a user starts it: from the shell, in a home and on ports of its own."""

import os
import re
import signal
import subprocess
from pathlib import Path

from chat.settings import REPOSITORY
from tests.asking import is_healthy
from tests.running import Installation, wait_until

KATYDID = str(REPOSITORY / "katydid")
# What the command line of a part's processes says.
MARKS = {
    "broker": "/mosquitto.conf",
    "bridge": " -m bridge",
    "web": " -m gunicorn",
    "haproxy": "/haproxy -W",
}


def run_katydid(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """A command that is expected to end by itself, with what it said."""
    return subprocess.run(
        [KATYDID, *words], env=os.environ | environ, capture_output=True, text=True, timeout=60
    )


def run_up(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """An `up` that is expected to end by itself, with what it said."""
    return run_katydid(environ, "up", *words)


def assert_refused(
    answer: "subprocess.CompletedProcess[str]", *words: str, status: int, home: str
) -> None:
    """It said what is wrong in one line with these words, and left nothing running."""
    assert answer.returncode == status, answer.stderr
    assert answer.stderr.startswith("katydid: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert [word for word in words if word not in answer.stderr] == []
    assert processes_of(Path(home)) == {}


def processes_of(home: Path) -> dict[int, str]:
    """Process id → command line, of all that was started with this home."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        if f"KATYDID_HOME={home}".encode() in environ and words != [b""]:
            found[int(folder.name)] = b" ".join(words).decode()
    return found


class Up:
    """A running `up`, with the installation that it runs."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.home = installation.settings.home
        self._said = self.home / "said.txt"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [KATYDID, "up"],
                cwd=self.home,
                env=os.environ | installation.environ,
                stdout=said,
                stderr=said,
            )
        self._wait_for_words("Ctrl-C stops everything", seconds=60)

    @property
    def said(self) -> str:
        return self._said.read_text()

    def process_of(self, part: str) -> int | None:
        """The part's first process; gunicorn's others are its children, and younger. None as well
        for a moment in which `/proc` shows nothing of one that has just begun."""
        pids = [pid for pid, words in processes_of(self.home).items() if MARKS[part] in words]
        return min(pids, default=None)

    def kill(self, part: str) -> None:
        """Kill a part, and wait until another process has taken its place and all is ready."""
        killed = wait_until(f"the {part} to run", lambda: self.process_of(part))
        os.kill(killed, signal.SIGKILL)
        wait_until(f"another {part}", lambda: self.process_of(part) not in (None, killed))
        wait_until("all to be ready", self.is_ready, seconds=30)

    def is_ready(self) -> bool:
        return is_healthy(self.url)

    @property
    def url(self) -> str:
        found = re.search(r"Open (https?://\S+)/\n", self.said)
        assert found is not None, self.said
        return found[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop, and answer its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=45)

    def _wait_for_words(self, words: str, *, seconds: float) -> None:
        def are_there() -> bool:
            assert self.process.poll() is None, f"up ended early, and said:\n{self.said}"
            return words in self.said

        wait_until(f"up to say {words!r}", are_there, seconds=seconds)
