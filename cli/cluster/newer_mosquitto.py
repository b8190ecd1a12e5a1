"""The mosquitto of a later Debian, in a folder of programs that comes first on a PATH.

For tests and chaos: an installation that is started with it finds mosquitto 2.1 with its plugins,
whatever the machine has.
"""

import shutil
import tempfile
from pathlib import Path

from cli.cluster.debian_root import RootImpossible, bring_mosquitto

# In a mount namespace of its own, the newer mosquitto finds all files where the older one does, on
# small disks mounted below too.
_IN_THE_ROOT = """#!/bin/sh
exec unshare --mount --propagation private sh -c '
mount --rbind "{files}" "{root}{files}" && exec chroot "{root}" /usr/sbin/mosquitto "$@"
' mosquitto "$@"
"""


def bring_newer_mosquitto(cache: Path, programs: Path) -> None:
    """The folder is made, with a program `mosquitto` and the plugin that keeps in SQLite beside it.
    All files must lie where temporary ones do. Raises as `bring_root`."""
    root = bring_mosquitto(cache)
    files = tempfile.gettempdir()
    (root / files.lstrip("/")).mkdir(parents=True, exist_ok=True)
    programs.mkdir()
    program = programs / "mosquitto"
    program.write_text(_IN_THE_ROOT.format(root=root, files=files))
    program.chmod(0o700)
    plugins = list(root.glob("usr/lib/*/mosquitto/mosquitto_persist_sqlite.so"))
    if not plugins:
        raise RootImpossible(f"{root} has no plugin persist-sqlite; remove it, to have it built")
    # The root is somewhere else for the program than for who looks for the plugin.
    shutil.copy(plugins[0], programs)
