"""Work before and after the main work, done meanwhile: what comes is read ahead, what is done is finished behind.

Threads: one that reads ahead and one that works behind, besides the caller's. Each may block, on a disk or in a
codec, and lets the interpreter go there; the caller waits only when it is several items ahead of either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")

ITEMS_AHEAD = 4
ITEMS_BEHIND = 4


@contextmanager
def read_ahead(items: Iterable[Item], depth: int = ITEMS_AHEAD) -> Iterator[Iterator[Item]]:
    """Give an iterator of the same items, up to `depth` of which are made before they are asked for.

    What `items` raises, the iterator raises in its place. Leaving waits until the item underway is made.
    """
    pool = ThreadPoolExecutor(1, "vqss-read")
    try:
        yield _ahead(iter(items), pool, depth)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ahead(items: Iterator[Item], pool: ThreadPoolExecutor, depth: int) -> Iterator[Item]:
    def fetch() -> tuple[Item] | None:
        for item in items:
            return (item,)
        return None

    waiting = deque(pool.submit(fetch) for _ in range(depth))
    while (fetched := waiting.popleft().result()) is not None:
        waiting.append(pool.submit(fetch))
        yield fetched[0]


class WorkBehind(Generic[Item]):
    """Calls `work` with every item put, in their order, on a thread of its own.

    A context: leaving it waits for all of them, or after an error only for the one underway.
    """

    def __init__(self, work: Callable[[Item], None], depth: int = ITEMS_BEHIND) -> None:
        self._work, self._depth = work, depth
        self._pool = ThreadPoolExecutor(1, "vqss-write")
        self._underway: deque[Future[None]] = deque()

    def put(self, item: Item) -> None:
        """Wait for room; raises what the work on an earlier item raised."""
        while len(self._underway) >= self._depth:
            self._underway.popleft().result()
        self._underway.append(self._pool.submit(self._work, item))

    def finish(self) -> None:
        """Wait for everything; raises what the work raised."""
        while self._underway:
            self._underway.popleft().result()

    def __enter__(self) -> WorkBehind[Item]:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
