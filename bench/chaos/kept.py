"""A process that is started again when it has died: PostgreSQL, and the participants."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.processes import signal_all, tree
from chat.settings import REPOSITORY
from cli.supervision import python

_AGAIN_AFTER_SECONDS = 1.0
_ENDS_WITHIN_SECONDS = 20.0


class Kept:
    """Runs from `start` to `stop`; what it says is in the file `output`."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], output: Path) -> None:
        # It ends with us, however we end.
        self._command = python("cli.tied", *command)
        self._environ = environ
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        await self._begin()
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self, number: int) -> None:
        """End it by that signal; if it does not end in time, by SIGKILL."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), _ENDS_WITHIN_SECONDS)
        except TimeoutError:
            signal_all(list(tree(process.pid)), signal.SIGKILL)
            await process.wait()

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            await asyncio.sleep(_AGAIN_AFTER_SECONDS)
            await self._begin()

    async def _begin(self) -> None:
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=REPOSITORY,
                env=self._environ,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us, who end all in good order
            )
