"""The clock of the tests and, by `CLOCK` in tests/settings.py, of the product in the same process.

HITSTREAM_TEST_CLOCK moves it: by days, `+437d`, or to a moment, `2027-03-28T01:30Z`, from which it goes on. Nothing is
faked: other processes, the database and files keep the real time.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Final


def offset_of(text: str, real: datetime) -> timedelta:
    """How far a clock is moved that shows what `text` says when the real time is `real`. Raises ValueError."""
    if not text:
        return timedelta()
    if days := re.fullmatch(r"([+-]\d+)d", text, re.ASCII):
        return timedelta(days=int(days[1]))
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - real


OFFSET: Final = offset_of(os.environ.get("HITSTREAM_TEST_CLOCK", ""), datetime.now(UTC))


def now() -> datetime:
    return datetime.now(UTC) + OFFSET


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
