"""Decides how long a worker process lives: no longer than the run that it works for."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def start_workers(count: int) -> ProcessPoolExecutor:
    """Processes that run beside each other, and end when this one does, even if it is killed."""
    # started anew, not forked: a fork would copy the locks of Prefect's threads
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # an orphan would wait for work for ever, with conversations in its memory
