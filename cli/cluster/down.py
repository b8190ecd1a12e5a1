"""`./katydid cluster down`: ends the cluster that runs from this KATYDID_HOME."""

import os
import select
import signal
from collections.abc import Mapping

from chat.errors import KatydidError
from cli.cluster.up import cluster_settings
from cli.home import holder_of
from cli.terminal import say

_STOPPED_WITHIN_SECONDS = 150.0


class NotStopped(KatydidError):
    """It runs still."""


def cluster_down(environ: Mapping[str, str]) -> int:
    """Returns when all have ended; 0 also where nothing ran."""
    settings = cluster_settings(environ)
    process = holder_of(settings)
    if process is None:
        say(f"no cluster runs from {settings.home}")
        return 0
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:  # it has just ended
        return 0
    # Asked again, now that this number cannot become another process's any more.
    if holder_of(settings) == process:
        say(f"stopping process {process}")
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        ended, _, _ = select.select([handle], [], [], _STOPPED_WITHIN_SECONDS)
        if not ended:
            raise NotStopped(f"Process {process} did not end; {settings.logs_dir} may say why.")
    os.close(handle)
    say("stopped")
    return 0
