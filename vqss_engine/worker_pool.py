"""Tasks in processes of their own, which end when their work is not wanted any more, or whoever wanted it has died.

Processes: workers are deaf to Ctrl-C. Each holds one end of a pipe; when the other end closes it ends as by SIGTERM, so
that a task that is under way unwinds and removes what it has not finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from vqss_engine.errors import VQSSError
from vqss_engine.stop_signals import end_after, ended_by_signals, interrupts_ignored, stopped_once

Submit = Callable[..., Future[Any]]
"""Called with a function of a module and its arguments, which go to a worker."""


@contextmanager
def worker_pool(workers: int, start: Callable[..., None], *arguments: object) -> Iterator[Submit]:
    """Processes that each call `start(*arguments)` and then the tasks that are submitted.

    After an error or Ctrl-C they are told to end, and waited for. Raises VQSSError where one of them died.
    """
    context = get_context("spawn")
    wanted, wanting = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _start, (wanted, start, arguments))

    def submit(task: Callable[..., Any], *of: object) -> Future[Any]:
        with interrupts_ignored():      # which starts a process where none is free
            return pool.submit(_run, task, *of)

    with wanted, wanting, stopped_once():
        try:
            yield submit
        except BrokenExecutor as error:
            raise VQSSError("a worker process died, perhaps for want of memory; use fewer --jobs") from error
        except BaseException:
            wanting.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _start(wanted: Connection, start: Callable[..., None], arguments: tuple[object, ...]) -> None:
    end_after(lambda: wanted.poll(None))
    start(*arguments)


def _run(task: Callable[..., Any], *of: object) -> Any:
    with ended_by_signals():
        return task(*of)
