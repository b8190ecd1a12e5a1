"""The supervisor's configuration: which children there are, each restarted when it dies.

`supervisor` (supervisord.org) does the work: it starts a child that ran for a while again at once,
waits one second longer before each new try of one that dies young, keeps their output in files
that do not grow for ever, and ends them all at SIGTERM, in the reverse of their order.
"""

import hashlib
import os
import shlex
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chat.settings import REPOSITORY, Settings

# The supervisor gives a child up after so many tries in a row; ours are never given up. With one
# second more each time, the wait after an outage of an hour is 85 s, after one of a day 7 minutes.
_TRIES = 1_000_000
_WITH_SERVER_KEY = ("door", "push", "web")


@dataclass(frozen=True, kw_only=True)
class Child:
    """A program that is kept running; its output goes to a log with its name."""

    name: str
    command: Sequence[str]
    # What it finds in its environment beside what all do.
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    # How long it may take to end before it is killed, processes of its own included.
    stop_seconds: int = 8


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Children that are ended at the same time: all those of one kind."""

    name: str
    children: Sequence[Child]


# What may be changed about the parts before they are started: who tries them has them find each
# other by another way (`bench/chaos/`).
Rewire = Callable[[Sequence[Stage]], Sequence[Stage]]


def as_they_are(stages: Sequence[Stage]) -> Sequence[Stage]:
    """Nothing is changed."""
    return stages


def python(*words: str) -> list[str]:
    """The command that runs a module of ours, or of a package."""
    return [sys.executable, "-m", *words]


def alone(child: Child) -> Stage:
    """A stage of one."""
    return Stage(name=child.name, children=[child])


def stopped_within_seconds(stages: Sequence[Stage]) -> float:
    """How long it may take until all have ended: one stage after the other."""
    return sum(max(child.stop_seconds for child in stage.children) for stage in stages) + 6.0


def write_configuration(settings: Settings, stages: Sequence[Stage]) -> Path:
    """The file that the supervisor is started with; the last stage is the first to be ended."""
    sections = [_supervisor(settings)]
    for priority, stage in enumerate(stages):
        if len(stage.children) > 1:
            names = ",".join(child.name for child in stage.children)
            sections.append(_section(f"group:{stage.name}", programs=names, priority=priority))
        sections += [_program(settings, child, priority) for child in stage.children]
    file = settings.run_dir / "supervisord.conf"
    file.write_text("\n".join(sections), encoding="utf-8")
    return file


def children_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children find in their environment; they run in the repository."""
    return {
        **environ,
        "KATYDID_HOME": str(settings.home),
        "KATYDID_DATABASE_URL": _independent_of_folder(settings.database_url),
        "KATYDID_TLS_CERTIFICATE": str(settings.tls_certificate or ""),
        "KATYDID_TLS_KEY": str(settings.tls_key or ""),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_dir),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }


def bridge(settings: Settings, name: str = "bridge") -> Child:
    """A bridge. Its name is the same at each start, and no other's on any machine: one that is
    started again has its shards back at once."""
    place = f"{settings.bridge_name} {socket.gethostname()} {settings.home} {name}"
    named = f"{name}-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    return Child(name=name, command=python("bridge"), environ={"KATYDID_BRIDGE_NAME": named})


def push() -> Child:
    """What tells browsers of messages while no page is open."""
    return Child(name="push", command=python("push"))


def has_server_key(child: str) -> bool:
    """Whether the child of that name keeps what is derived from the server key."""
    return child.partition("-")[0] in _WITH_SERVER_KEY


def _independent_of_folder(database_url: str) -> str:
    scheme, slashes, path = database_url.partition(":///")
    if scheme != "sqlite":
        return database_url
    return f"{scheme}{slashes}{Path(path).absolute()}"


def _supervisor(settings: Settings) -> str:
    return _section(
        "supervisord",
        nodaemon="true",
        silent="true",
        # Said in words, so that the supervisor does not warn of what was meant.
        **({"user": "root"} if os.geteuid() == 0 else {}),
        umask="077",
        directory=REPOSITORY,
        pidfile=settings.run_dir / "supervisord.pid",
        logfile=settings.logs_dir / "supervisor.log",
        logfile_maxbytes="10MB",
        logfile_backups="1",
    )


def _program(settings: Settings, child: Child, priority: int) -> str:
    own = {"environment": _environment(child.environ)} if child.environ else {}
    return _section(
        f"program:{child.name}",
        command=shlex.join(python("cli.tied", *child.command)),
        **own,
        priority=priority,
        autorestart="true",
        startsecs="2",
        startretries=_TRIES,
        stopsignal=child.stop_signal,
        stopwaitsecs=child.stop_seconds,
        stopasgroup="true",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=settings.logs_dir / f"{child.name}.log",
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
    )


def _environment(environ: Mapping[str, str]) -> str:
    """Each value between quotation marks, in which a supervisor knows no escape."""
    return ",".join(f'{name}="{value}"' for name, value in environ.items())


def _section(title: str, **values: object) -> str:
    lines = [f"{key} = {_escaped(str(value))}" for key, value in values.items()]
    return "\n".join([f"[{title}]", *lines, ""])


def _escaped(value: str) -> str:
    """A percent sign begins an expansion in this file."""
    return value.replace("%", "%%")
