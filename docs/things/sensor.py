"""A sensor that reports to its owner how busy its machine is, every minute.

    THING='mqtt://…' python sensor.py [SECONDS]

A report lies in a file until the server has archived it, and is sent again with the same id until
then: neither a cut, nor a crash, nor a power failure loses or doubles one.
"""

import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path

from thing import Thing

REPEAT_AFTER_SECONDS = 10
try:
    EVERY_SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
except ValueError:
    sys.exit(f"SECONDS must be a number, not {sys.argv[1]}")


class Outbox:
    """What is not archived yet, oldest first; on the disk before it is sent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.settled = threading.Event()
        self.reports: list[dict] = json.loads(path.read_text()) if path.exists() else []

    def add(self, text: str) -> None:
        with self._lock:
            self.reports.append({"id": uuid.uuid4().hex, "text": text})
            self._save()

    def forget(self, id: str) -> None:
        with self._lock:
            self.reports = [report for report in self.reports if report["id"] != id]
            self._save()
        self.settled.set()

    def _save(self) -> None:
        written = self._path.with_suffix(".new")
        with written.open("w") as file:
            json.dump(self.reports, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)


def received(kind: str, record: dict) -> None:
    if kind == "message" and record["from"] == sensor.name:
        outbox.forget(record["id"])
    elif kind == "error" and record["id"] and record["reason"] != "rate-limited":
        print(f"given up: {record['detail']}", flush=True)
        outbox.forget(record["id"])


outbox = Outbox(Path(os.environ.get("OUTBOX", "outbox.json")))
sensor = Thing(os.environ.get("THING", ""), received)
sensor.start()
due = 0.0
while True:
    if time.monotonic() >= due:
        outbox.add(f"load {os.getloadavg()[0]:.2f}")
        due = time.monotonic() + EVERY_SECONDS
    outbox.settled.clear()
    if outbox.reports:
        # One at a time, so that they arrive in their order.
        sensor.send(sensor.owner, "send", outbox.reports[0])
        outbox.settled.wait(REPEAT_AFTER_SECONDS)
    else:
        time.sleep(max(0.0, due - time.monotonic()))
