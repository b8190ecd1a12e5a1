"""What waits for the archive, account by account, so that nobody waits for one who writes much.

A batch takes of each account as much as of any other, and what it takes stays in the order in
which it came. As long as all that waits fits into one batch, that is all of it.
"""

from collections import deque
from itertools import count, islice
from operator import itemgetter
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue for each account that has something in it; the accounts take turns."""

    def __init__(self) -> None:
        # In the order of their turns.
        self._queues: dict[str | None, deque[tuple[int, T]]] = {}
        self._numbers = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, account: str | None, one: T) -> None:
        """At the end of that account's queue; None stands for all that nobody is known to have
        sent."""
        queue = self._queues.get(account)
        if queue is None:
            queue = self._queues[account] = deque()
        queue.append((next(self._numbers), one))
        self._size += 1

    def take(self, most: int) -> list[T]:
        """At most so many, the same share of each account; who has had its turn is last next
        time."""
        taken: list[tuple[int, T]] = []
        while self._queues and (room := most - len(taken)) > 0:
            share = max(1, room // len(self._queues))
            for account in list(islice(self._queues, room)):
                queue = self._queues.pop(account)
                taken += [queue.popleft() for _ in range(min(share, len(queue)))]
                if queue:
                    self._queues[account] = queue
        self._size -= len(taken)
        taken.sort(key=itemgetter(0))
        return [one for _, one in taken]
