"""The clock of the tests and, by `CLOCK` in tests/settings.py, of the product in the same process.

HITSTREAM_TEST_CLOCK moves it: by days, `+437d`, or to a moment, `2027-03-28T01:30Z`, from which it goes on. Nothing is
faked: other processes, the log's stamps, the database and files keep the real time.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final

MOVED: Final = os.environ.get("HITSTREAM_TEST_CLOCK", "")
READ: Final = Event()  # set when somebody asks for the time


def offset_of(moved: str, real: datetime) -> timedelta:
    """How far a clock is moved that shows what `moved` says at the time `real`. Raises ValueError."""
    if not moved:
        return timedelta()
    if days := re.fullmatch(r"([+-]\d+)d", moved, re.ASCII):
        return timedelta(days=int(days[1]))
    moment = datetime.fromisoformat(moved)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - real


OFFSET: Final = offset_of(MOVED, datetime.now(UTC))  # noqa: TID251


def now() -> datetime:
    READ.set()
    return datetime.now(UTC) + OFFSET  # noqa: TID251


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
