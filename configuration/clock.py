"""The one place where the product reads the time of day. What works over a while is handed this clock, and what
decides once is handed the moment; file times, the database's `Now()` and monotonic seconds are clocks of their own.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from django.conf import settings

WallClock: TypeAlias = Callable[[], datetime]


def now() -> datetime:
    """This moment, aware, by the clock of the settings, which is another one in tests."""
    moment: datetime = settings.CLOCK()
    return moment
