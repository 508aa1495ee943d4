"""Work shared among processes of one thread each."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Calls a function in `workers` processes; yields each result when it is there.

    Each process is a fresh interpreter (`spawn`): the parent may run TensorFlow's threads, which
    a fork would lose. All of them end when the iterator ends, is closed or raises, and
    when the parent is killed.

    Args:
        function: Importable by name from a module, as it is pickled.
        items: What it is called with.
        workers: Processes, from 1; no more are started than there are items.

    Yields:
        The results, in the order in which they are done.

    Raises:
        RuntimeError: A call failed, a process died, or the main module can't be imported by a
            process; the text is one line.
    """
    if not items:
        return
    _check_main_module()
    context = multiprocessing.get_context("spawn")
    alive, held = context.Pipe(duplex=False)
    count = min(workers, len(items))
    pool = ProcessPoolExecutor(count, context, _begin, (alive,))
    try:
        with _one_thread():
            calls = [pool.submit(function, item) for item in items]
        for call in as_completed(calls):
            yield call.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        text = f"expected {count} phantom processes to live, got one that died"
        raise RuntimeError(text) from error
    except Exception as error:
        text = " ".join(str(error).split())
        raise RuntimeError(f"a phantom process failed: {type(error).__name__}: {text}") from error
    finally:
        held.close()
        pool.shutdown(cancel_futures=True)
        alive.close()


def _check_main_module() -> None:
    """Refuses a main module that `spawn` can't import again, such as one read from stdin."""
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if getattr(main, "__spec__", None) is None and path and not os.path.exists(path):
        raise RuntimeError(
            f"expected a main module in a file, which phantom processes import, got {path}; "
            "save it as a file or ask for 1 process"
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started meanwhile give libraries of numerics one thread each.

    The libraries read these variables when they are loaded, which a `spawn` process does before
    any initializer runs; so the variables must be there when it starts.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(alive: Connection) -> None:
    """Prepares a process: only its parent ends it, by closing the other end of `alive`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()


def _end_with_parent(alive: Connection) -> None:
    """Ends this process as soon as the other end is closed, also by the parent's death."""
    alive.poll(None)
    os._exit(1)
