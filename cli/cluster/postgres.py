"""A PostgreSQL server of our own: its files in one folder, reached at one port of this machine.

`python -m cli.cluster.postgres FOLDER PORT` prepares the folder and then becomes the server, so a
supervisor can run it; SIGINT ends it in good order. The server of Debian's package is used, and the
cluster `main` that the package makes is left alone. PostgreSQL refuses to run as root: then it runs
as the package's user `postgres`.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from chat.errors import KatydidError
from cli.programs import bring_program, find_program
from cli.tied import tie_to_parent

# The only one that can connect; the superuser cannot, except who owns the files, without a server.
USER = "katydid"
DATABASE = "katydid"

# Where everybody may go through, and only the owner further.
_ELSEWHERE = Path("/var/lib/katydid")
_READY_WITHIN_SECONDS = 30.0
_STOPPED_WITHIN_SECONDS = 30.0
_LET_IN = f"""\
host all {USER} 127.0.0.1/32 scram-sha-256
"""
_SETTINGS = """\
# Written anew at each start.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = scram-sha-256
# 16 bridges with four connections each, and a dozen workers of the site.
max_connections = 200
# What is committed is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on
# A machine with a few GB of memory and an SSD.
shared_buffers = 256MB
effective_cache_size = 1GB
random_page_cost = 1.1
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
# Many short statements: nothing to compile, nothing to do in parallel.
jit = off
max_parallel_workers_per_gather = 0
# No values in the log: they hold what people write.
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] %a '
log_timezone = UTC
timezone = UTC
lc_messages = C
"""


class PostgresNotReady(KatydidError):
    """A PostgreSQL server cannot be started here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"PostgreSQL cannot be started: {problem}.")


def bring_postgres() -> None:
    """Install PostgreSQL, unless it is there. Raises ProgramMissing.

    The package makes a cluster `main` of its own, which stays unused: its service is neither
    started nor enabled.
    """
    bring_program("initdb", package="postgresql")


def reachable_folder(wanted: Path) -> Path:
    """`wanted`, or else a folder of its own below /var/lib/katydid: what is root's alone, such as
    /root, the server's user cannot enter."""
    user = _server_user()
    if user is None:
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    entered = subprocess.run(["test", "-x", wanted.parent], check=False, **_as(user))
    if entered.returncode == 0:
        return wanted
    _ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    _ELSEWHERE.chmod(0o755)  # whatever the umask is
    return _ELSEWHERE / str(wanted.absolute()).strip("/").replace("/", "-")


class PostgresServer:
    """The server in `folder`, at `port` of 127.0.0.1. Nothing is made before `prepare`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._data = folder / "data"
        self._password_file = folder / "password"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """The folder with an empty database, made once, and this port's configuration.

        Raises PostgresNotReady.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(self.folder)
        if self._data.exists():
            self._program("postgres")
        else:
            self._make_data()
        self._write(self._data / "katydid.conf", _SETTINGS.format(port=self.port))

    def command(self) -> list[str]:
        """The words that run it in the foreground; it ends at SIGINT, and with its parent."""
        module = [sys.executable, "-m", "cli.cluster.postgres"]
        return [*module, str(self.folder), str(self.port)]

    def url(self, database: str = DATABASE, *, port: int | None = None) -> str:
        """Where it is reached, with its password, by its own port or another that leads there.
        Raises PostgresNotReady before `prepare`."""
        try:
            password = self._password_file.read_text(encoding="ascii").strip()
        except OSError as error:
            problem = f"its password {self._password_file} cannot be read: {error.strerror}"
            raise PostgresNotReady(problem) from None
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> int:
        """Run it beside this process, and wait until it is ready; its process id.

        Raises PostgresNotReady.
        """
        self.prepare()
        log_file = self.folder / "log"
        log_file.touch(mode=0o600)
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        self.wait_until_ready()
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Returns as soon as it answers. Raises PostgresNotReady."""
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while not self.is_ready():
            if self._process is not None and self._process.poll() is not None:
                raise PostgresNotReady(f"it ended at once; {self.folder / 'log'} says why")
            if time.monotonic() > deadline:
                raise PostgresNotReady(f"it did not answer within {_READY_WITHIN_SECONDS:.0f} s")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether it answers now."""
        try:
            psycopg.connect(self.url().replace("+psycopg", "", 1), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End what `start` began: whoever is connected is cut off, what is committed is kept."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=_STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)  # at once; it recovers at its next start
            self._process.wait()
        self._process = None

    def become(self) -> NoReturn:
        """This process is the server from here on."""
        program = str(self._program("postgres"))
        os.chdir(self._data)
        if self._user is not None:
            os.initgroups(self._user.pw_name, self._user.pw_gid)
            os.setgid(self._user.pw_gid)
            os.setuid(self._user.pw_uid)
        # Again, since a change of the user unties it; SIGTERM would wait for all who are connected.
        tie_to_parent(signal.SIGINT)
        os.execv(program, [program, "-D", str(self._data)])  # noqa: S606

    # The folder.

    def _make_data(self) -> None:
        """Under another name until it is complete: a start that was cut off begins anew."""
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        # Nobody is let in before we say who. Bytes are compared as they are, and letters known.
        words = ["--auth-local=reject", "--auth-host=reject", "--username=postgres"]
        words += ["--encoding=UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--data-checksums"]
        self._run("initdb", [*words, f"--pgdata={draft}"])
        self._write(draft / "pg_hba.conf", _LET_IN)
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write("\ninclude 'katydid.conf'\n")
        self._write(draft / "katydid.conf", _SETTINGS.format(port=self.port))
        password = secrets.token_urlsafe(24)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password, encoding="ascii")
        self._make_role_and_database(draft, password)
        draft.rename(self._data)

    def _make_role_and_database(self, data: Path, password: str) -> None:
        """Without a server, and so before anybody could connect."""
        statements = [
            f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{password}'",
            f"CREATE DATABASE {DATABASE} OWNER {USER}",
        ]
        words = ["--single", "-D", str(data), "postgres"]
        self._run("postgres", words, asked="\n".join([*statements, ""]))

    def _run(self, name: str, words: list[str], *, asked: str = "") -> None:
        done = subprocess.run(
            [self._program(name), *words],
            input=asked,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **_as(self._user),
        )
        wrong = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
        if done.returncode != 0 or wrong:
            last = [*wrong, *done.stderr.strip().splitlines(), "it did not say why"][0].rstrip(".")
            raise PostgresNotReady(f"{name} says: {last}")

    def _program(self, name: str) -> Path:
        """That of the version which made the data, or else of the newest one."""
        found = find_program("initdb")
        if found is None:
            raise PostgresNotReady("it is not installed")
        version_file = self._data / "PG_VERSION"
        if not version_file.exists():
            return Path(found).resolve().with_name(name)
        version = version_file.read_text(encoding="ascii").strip()
        for program in (_debians(version, name), Path(found).resolve().with_name(name)):
            if program.exists() and _version_of(program) == version:
                return program
        problem = f"{self._data} was made by version {version}, which is not installed"
        raise PostgresNotReady(problem)

    def _write(self, path: Path, content: str) -> None:
        path.write_text(content, encoding="utf-8")
        self._give(path)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        return _server_user()


def _debians(version: str, name: str) -> Path:
    return Path("/usr/lib/postgresql") / version / "bin" / name


def _version_of(program: Path) -> str:
    """The major version, as in `postgres (PostgreSQL) 15.18`."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return said.stdout.partition(")")[2].strip().partition(".")[0]


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as, where it is somebody else than we."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        problem = "it does not run as root, and there is no user postgres here; run as another user"
        raise PostgresNotReady(problem) from None


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """How `subprocess` runs something as that user."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def main(folder: str, port: str) -> NoReturn:
    """The process is PostgreSQL from here on, unless it cannot be."""
    try:
        server = PostgresServer(Path(folder).absolute(), int(port))
        server.prepare()
        server.become()
    except (KatydidError, OSError) as error:
        print(f"postgres: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
