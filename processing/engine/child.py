"""The program of the embedded engine's processes.

It is started by the path of this file, so that nothing but Python's own library is imported before the search path of
the parent is known and the environment is set: polars reads its number of threads when it is imported.
"""

import os
import pickle
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue


def main(connection: Connection, nice: int) -> None:
    os.nice(nice)
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # there are as many processes as cores
    sys.path[:] = pickle.loads(connection.recv_bytes())  # noqa: S301 -- our own parent wrote it
    tasks: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()

    from processing.engine.attempt import run_task  # not before the path is known

    while True:
        connection.send_bytes(run_task(tasks.get()))


def _listen(connection: Connection, tasks: "SimpleQueue[bytes]") -> None:
    """Receives tasks, and ends the process as soon as the parent is gone, even in the middle of a task."""
    # Linux could send a signal (PR_SET_PDEATHSIG), but it does so when the parent's *thread* that started us ends.
    try:
        while True:
            tasks.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        main(Connection(int(sys.argv[1])), int(sys.argv[2]))
