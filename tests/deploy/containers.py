"""The services of `deploy/compose.yaml` as Docker would start them, without Docker: each in
namespaces of its own, with the environment, files, secrets and command that the file says.

What is not the same: the programs are this machine's (RabbitMQ's those of a Debian in a folder),
the entry points of other people's images are played here, and our programs run as root.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.cluster.postgres import USER
from cli.programs import find_program
from cli.secrets import make_secrets
from tests.deploy.certificates import Authority
from tests.deploy.compose import COMPOSE, FOLDER, SERVICES, environment_of
from tests.deploy.namespaces import Network
from tests.running import wait_until

DOMAIN = "chat.test"
_OF_THE_CONTAINERS = 10001
# Service, with a number where there are several → its address.
_ADDRESSES = {
    "haproxy": SERVICES["haproxy"]["networks"]["inside"]["ipv4_address"],
    **{
        name: f"172.30.83.{number}"
        for number, name in enumerate(
            [
                *("postgres", "migrate", "rabbitmq-1", "rabbitmq-2", "rabbitmq-3"),
                *("web-1", "web-2", "door-1", "door-2", "bridge-1", "bridge-2", "visitor"),
            ],
            130,
        )
    },
}
_NODES = ("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")
_OURS = ("door-1", "door-2", "bridge-1", "bridge-2", "web-1", "web-2")


class Containers:
    """`visitor` is a machine without any service. `start`, then `stop`."""

    def __init__(self, folder: Path, *, image: Path, rabbitmq_root: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self._image = image
        self._rabbitmq_root = rabbitmq_root
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._make_secrets()
        names = "".join(f"{at} {_service(name)}\n" for name, at in _ADDRESSES.items())
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
        (folder / "names").write_text(names)
        self.network = Network(_ADDRESSES)
        self.visitor = self.network.machines["visitor"]
        self.door = _ADDRESSES["haproxy"]

    def start(self) -> None:
        """Those that others depend on first, as Docker does."""
        self._start_postgres()
        self._start_haproxy()
        for node in _NODES:
            self._start_node(node)
        assert self._begin_ours("migrate").wait(timeout=60) == 0, self.log("migrate")
        for name in _OURS:
            self._begin_ours(name)

    def stop(self) -> None:
        """All at once, and at once: nothing of it is kept."""
        self.network.close()
        for process in self._processes.values():
            process.wait(timeout=15)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    # Each kind of container.

    def _start_postgres(self) -> None:
        data, service = self.folder / "postgres", SERVICES["postgres"]
        data.mkdir()
        initdb = Path(find_program("initdb") or "").resolve()
        password = data / "password"
        password.write_bytes((self.folder / "secrets" / "database_password").read_bytes())
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        for path in (data, password):
            subprocess.run(["chown", "postgres", path], check=True)
        words = ["--auth-local=trust", f"--username={USER}", f"--pwfile={password}"]
        words += service["environment"]["POSTGRES_INITDB_ARGS"].split()
        made = subprocess.run(
            [*as_user, str(initdb), f"--pgdata={data}/data", *words],
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        with (data / "data" / "pg_hba.conf").open("a") as let_in:
            let_in.write("host all all all scram-sha-256\n")
        server = [f"{initdb.parent}/{service['command'][0]}", "-D", f"{data}/data"]
        here = ["-c", "listen_addresses=*", "-c", f"unix_socket_directories={data}"]
        self._begin("postgres", [*as_user, *server, *here, *service["command"][1:]], {})
        create = [f"{initdb.parent}/psql", "-h", str(data), "-U", USER, "-d", "postgres"]
        create += ["-c", f"CREATE DATABASE {service['environment']['POSTGRES_DB']}"]
        machine = self.network.machines["postgres"]
        wait_until("PostgreSQL", lambda: machine.run(*as_user, *create).returncode == 0)

    def _start_haproxy(self) -> None:
        service, machine = SERVICES["haproxy"], self.network.machines["haproxy"]
        names = f"--addn-hosts={self.folder}/names"
        dnsmasq = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", names]
        dnsmasq += ["--listen-address=127.0.0.11", "--bind-interfaces", "--user=root"]
        self._begin("names", [*dnsmasq, "--pid-file="], {}, machine="haproxy")
        machine.shell("mount -t tmpfs tmpfs /usr/local")
        self._mount_files("haproxy", root="")
        entry = ["setpriv", f"--reuid={_OF_THE_CONTAINERS}", f"--regid={_OF_THE_CONTAINERS}"]
        entry += ["--clear-groups", "--bounding-set=-all", "--no-new-privs", "--"]
        self._begin("haproxy", [*entry, *service["command"], "-W", "-db"], {})

    def _start_node(self, name: str) -> None:
        """Its root cannot be written to, as the file says."""
        machine, root, data = self.network.machines[name], "/mnt", self.folder / name
        data.mkdir()
        machine.shell(f"mount --bind {self._rabbitmq_root} {root}")
        machine.shell(
            f"mount --bind {data} {root}/var/lib/rabbitmq; mount -t proc proc {root}/proc"
        )
        for folder in ("tmp", "dev/shm", "etc/rabbitmq", "usr/local", "var/log/rabbitmq"):
            machine.shell(f"mount -t tmpfs -o mode=0777 tmpfs {root}/{folder}")
        machine.shell(f"mount --bind {self.folder}/hosts {root}/etc/hosts")
        self._mount_files(name, root=root)
        machine.shell(
            f"mkdir -p {root}/usr/local/bin; cp {self._entry_point()} {root}/usr/local/bin/;"
            f"chmod -R a+rX {root}/etc/rabbitmq; mount -o remount,bind,ro {root}"
        )
        environ = environment_of(name, domain=DOMAIN) | {
            "HOME": "/var/lib/rabbitmq",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            # Of the image.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_CONFIG_FILES": "/etc/rabbitmq/conf.d",
        }
        self._begin(name, ["chroot", root, *SERVICES[name]["entrypoint"]], environ)

    def _begin_ours(self, name: str) -> "subprocess.Popen[bytes]":
        service, machine = SERVICES[_service(name)], self.network.machines[name]
        machine.shell(
            f"mount --bind {self.folder}/hosts /etc/hosts;"
            "mkdir -p /var/lib/katydid; mount -t tmpfs tmpfs /var/lib/katydid;"
            "ln -s /run/secrets /var/lib/katydid/secrets"
        )
        self._mount_files(_service(name), root="", machine=name)
        environ = environment_of(_service(name), domain=DOMAIN) | {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(self._image),
            "PYTHONSAFEPATH": "1",
            "KATYDID_HOME": "/var/lib/katydid",
            "KATYDID_HOST": "0.0.0.0",  # noqa: S104
            "KATYDID_HTTP_PORT": "8000",
        }
        of_the_image = ["python", "-m", "cli.web", "site"]
        return self._begin(name, service.get("command", of_the_image), environ)

    # What they have in common.

    def _begin(
        self, name: str, words: list[str], environ: Mapping[str, str], *, machine: str | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self.network.machines[machine or name].command(words),
                cwd="/",
                env={"PATH": os.environ["PATH"], **environ},
                stdout=log,
                stderr=log,
            )
        return self._processes[name]

    def _mount_files(self, service: str, *, root: str, machine: str | None = None) -> None:
        """Its configs and secrets, where the file says."""
        steps = [f"mount -t tmpfs tmpfs {root}/run; mkdir {root}/run/secrets"]
        for config in SERVICES[service].get("configs", []):
            source, target = FOLDER / COMPOSE["configs"][config["source"]]["file"], config["target"]
            steps.append(f"install -D -m 0644 {source} {root}{target}")
        for secret in SERVICES[service].get("secrets", []):
            steps.append(f"cp -p {self.folder}/secrets/{secret} {root}/run/secrets/")
        self.network.machines[machine or service].shell("; ".join(steps))

    def _make_secrets(self) -> None:
        folder = self.folder / "secrets"
        make_secrets([str(folder)])
        issued = self.authority.issue(DOMAIN, "localhost")
        both = (Path(issued[f"KATYDID_TLS_{part}"]).read_bytes() for part in ("CERTIFICATE", "KEY"))
        (folder / "tls_certificate").write_bytes(b"".join(both))
        for file in folder.iterdir():
            file.chmod(0o600)
            os.chown(file, _OF_THE_CONTAINERS, _OF_THE_CONTAINERS)

    def _entry_point(self) -> Path:
        """What that of RabbitMQ's image comes to."""
        file = self.folder / "docker-entrypoint.sh"
        file.write_text(
            "#!/bin/sh\nchown -R rabbitmq:rabbitmq /var/lib/rabbitmq\n"
            'exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$@"\n'
        )
        file.chmod(0o755)
        return file


def _service(name: str) -> str:
    """Of a container with a number; the nodes are services of their own."""
    return name if name in SERVICES else name.rpartition("-")[0] or name
