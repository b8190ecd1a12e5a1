"""`./katydid cluster up` as a user runs it, and handles on each of its parts, for tests of faults.

A part is called as its log is: postgres, rabbitmq-1 to rabbitmq-3, haproxy, door-1, door-2,
bridge-1, bridge-2, web-1, web-2.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from chat.database import Database
from chat.secrets import Secrets, load_secrets
from chat.settings import REPOSITORY, Settings, settings_from
from chat.user_names import ADMIN
from cli.cluster.layout import chosen_ports, postgres_server
from cli.cluster.up import cluster_settings
from cli.free_ports import free_ports
from mqtt_acl.issuer import Credentials
from mqtt_acl.management import Management
from tests.asking import is_healthy
from tests.end_to_end.running_up import add_account
from tests.people import add_accounts, add_device
from tests.ports import is_listening
from tests.running import UNLIMITED, wait_until

KATYDID = str(REPOSITORY / "katydid")
_SPAWNED = re.compile(r"spawned: '(\S+)' with pid (\d+)")


class RunningCluster:
    """A cluster that is ready. `url` is its site, `settings` where clients find it, `ports` where
    its parts listen inside, `database` its SQL."""

    def __init__(self, home: Path, **environ: str) -> None:
        http, mqtt, websocket = free_ports(3)
        self.environ = UNLIMITED | {
            "KATYDID_HOME": str(home),
            "KATYDID_HTTP_PORT": str(http),
            "KATYDID_MQTT_PORT": str(mqtt),
            "KATYDID_WEBSOCKET_PORT": str(websocket),
            **environ,
        }
        self.seconds_to_start = 0.0
        self.url = f"http://127.0.0.1:{http}"
        self._said = home / "said.txt"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [KATYDID, "cluster", "up"],
                env=os.environ | self.environ,
                stdout=said,
                stderr=said,
            )
        # A first start builds what the machine lacks.
        wait_until("the cluster to be ready", self._is_announced, seconds=240)
        outside = cluster_settings(self.environ)
        self.home = outside.home
        self.secrets: Secrets = load_secrets(outside)
        self.ports = chosen_ports(outside)
        self._postgres = postgres_server(outside, self.ports)
        self.settings: Settings = settings_from(
            {
                **self.environ,
                "KATYDID_HOME": str(self.home),
                "KATYDID_BROKER": "rabbitmq",
                "KATYDID_MQTT_HOST": "127.0.0.1",
                "KATYDID_RABBITMQ_URL": f"http://127.0.0.1:{self.ports['haproxy-management']}",
                "KATYDID_DATABASE_URL": self._postgres.url(),
            }
        )
        self.database = Database(self.settings.database_url)

    def add_account(self, name: str, *, password: str) -> None:
        add_account(self.database, name, password=password)

    def register(self, *names: str) -> None:
        """Accounts that nobody logs in to."""
        add_accounts(self.database, *names)

    def new_device(self, account: str) -> Credentials:
        return add_device(self.database, self.secrets, account)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What SQL answers."""
        with self.database.reading() as session:
            return [tuple(row) for row in session.connection().execute(text(statement))]

    # Parts.

    def process_of(self, part: str) -> int:
        """The part's process, with those of its own in a group of the same number; what a
        RabbitMQ node or PostgreSQL is, itself."""
        log = (self.home / "logs" / "supervisor.log").read_text()
        return int(dict(_SPAWNED.findall(log))[part])

    def kill(self, part: str) -> None:
        """`kill -9`; the supervisor starts it again."""
        killed = self.process_of(part)
        os.killpg(killed, signal.SIGKILL)
        wait_until(f"another {part}", lambda: self.process_of(part) != killed)

    def restart(self, part: str) -> None:
        """Have it end in good order; the supervisor starts it again."""
        ended = self.process_of(part)
        # As the supervisor ends it.
        os.killpg(ended, signal.SIGINT if part == "postgres" else signal.SIGTERM)
        wait_until(f"another {part}", lambda: self.process_of(part) != ended, seconds=60)

    def freeze(self, part: str) -> None:
        """It neither works nor ends nor answers, until `thaw`."""
        os.killpg(self.process_of(part), signal.SIGSTOP)

    def thaw(self, part: str) -> None:
        os.killpg(self.process_of(part), signal.SIGCONT)

    def log(self, part: str) -> str:
        return (self.home / "logs" / f"{part}.log").read_text()

    # What is seen.

    def is_ready(self) -> bool:
        """Whether the site says so, through HAProxy."""
        return is_healthy(self.url)

    def wait_until_ready(self) -> None:
        wait_until("the cluster to be ready", self.is_ready, seconds=60)

    def states(self) -> dict[str, str]:
        """What HAProxy thinks of each part, such as UP or DOWN, by its name."""
        counts = httpx.get(f"http://127.0.0.1:{self.ports['haproxy-counts']}/;csv", timeout=5)
        lines = [line.split(",") for line in counts.text.splitlines()]
        name, status = lines[0].index("svname"), lines[0].index("status")
        return {line[name]: line[status].partition(" ")[0] for line in lines[1:]}

    def wait_until_well(self, *parts: str) -> None:
        """Wait until HAProxy leads others there."""
        wait_until(f"{parts} to be up", lambda: self._are(parts, "UP"), seconds=60)

    def wait_until_spare(self, node: str) -> None:
        """Wait until the others have a majority of every queue without that node: before that,
        RabbitMQ does not let it end, or would lose the majority with it."""
        port = self.ports[f"{node}-management"]
        check = f"http://127.0.0.1:{port}/api/health/checks/node-is-quorum-critical"
        admin = (ADMIN, self.secrets.admin_password)

        def is_spare() -> bool:
            try:
                return httpx.get(check, auth=admin, timeout=10).status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(f"{node} to be spared", is_spare, seconds=60)

    def wait_until_left(self, *parts: str) -> None:
        """Wait until HAProxy leads nobody there any more."""
        wait_until(f"{parts} to be left", lambda: self._are(parts, "DOWN"), seconds=30)

    def management(self, path: str) -> Any:
        """What RabbitMQ's management API answers, such as at `/nodes`."""
        answer = httpx.get(
            f"{self.settings.rabbitmq_urls[0]}/api{path}",
            auth=(ADMIN, self.secrets.admin_password),
            timeout=15,
        )
        return answer.raise_for_status().json()

    def management_as_a_program(self, path: str) -> Any:
        """The same, asked as our own programs ask."""
        management = Management(self.settings)
        try:
            return management.get(path)
        finally:
            management.close()

    def nodes_of(self, account: str) -> list[str]:
        """The nodes, as parts, that the account's devices are connected to: where the queues are of
        those who keep none."""
        begins = f"mqtt-subscription-{account}."
        queues = self.management("/queues?columns=name,node")
        return [
            f"rabbitmq-{queue['node'].removeprefix('rabbit').partition('@')[0]}"
            for queue in queues
            if queue["name"].startswith(begins)
        ]

    # The end.

    def down(self) -> "subprocess.CompletedProcess[str]":
        return self.run("down")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`./katydid cluster …`, with the same settings."""
        return subprocess.run(
            [KATYDID, "cluster", *words],
            env=os.environ | self.environ,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def processes(self) -> list[int]:
        """All that belongs to it just now."""
        children: dict[int, list[int]] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(") ")[2].split()[1])
            except OSError:  # it ended while we looked
                continue
            children.setdefault(parent, []).append(int(status.parent.name))
        found = [self.process.pid]
        for process in found:
            found += children.get(process, [])
        return found

    def listening(self) -> list[str]:
        """The names of those ports inside at which somebody listens."""
        return [name for name, port in self.ports.items() if is_listening(port)]

    def stop(self) -> None:
        """End it, if it runs, and take away what it kept outside its home."""
        self.database.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=170)
        shutil.rmtree(self._postgres.folder, ignore_errors=True)

    def _is_announced(self) -> bool:
        said = self._said.read_text()
        assert self.process.poll() is None, f"the cluster ended early, and said:\n{said}"
        return "Ctrl-C stops everything" in said

    def _are(self, parts: tuple[str, ...], status: str) -> bool:
        states = self.states()
        return all(states[part] == status for part in parts)
