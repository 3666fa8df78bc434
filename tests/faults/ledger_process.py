"""A process that takes ranges of a log until there are no more: `python -m tests.faults.ledger_process LOG END`.

It says that it is ready, begins when it reads a line, and tells the log's number and the ranges that it was given.
"""

import sys


def main(log: str, end: int) -> None:
    import django

    django.setup()
    from django.db import connection

    from processing.receiving import ledger

    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(f"{ledger.ordinal(log)}\n")
    while item := ledger.next_range(log, 0, 0, end, "context"):
        sys.stdout.write(f"{item.first} {item.last}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
