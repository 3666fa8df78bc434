"""Event time, midnight and hours in the property's zone."""

from typing import Any, Final

BERLIN: Final = {"zone": "Europe/Berlin"}
EXAMPLES: Final[list[tuple[Any, ...]]] = [
    (
        "The tracker's own time counts, for up to 72 hours",
        "A hit that was kept back while the network was down counts at the time when it happened. If the tracker's"
        " time is more than 72 hours old, or more than ten minutes in the future, it is not trusted, and the time of"
        " receipt counts.",
        """
        received                | made                    | visitor | id | page
        2026-11-20 10:00:00.000 | 2026-11-17 10:00:00.000 | ann     | a1 | /72-hours
        2026-11-20 10:00:00.000 | 2026-11-17 09:59:59.999 | ann     | a2 | /more
        2026-11-20 10:00:00.000 | 2026-11-20 10:10:00.000 | ann     | a3 | /in-10-minutes
        2026-11-20 23:55:00.000 | 2026-11-21 00:05:00.001 | ann     | a4 | /in-more
        """,
        """
        date     | pagePath       | eventCount
        20261117 | /72-hours      | 1
        20261120 | /in-10-minutes | 1
        20261120 | /in-more       | 1
        20261120 | /more          | 1
        """,
    ),
    (
        "A day begins at midnight in the property's time zone",
        "Europe/Berlin is one hour ahead of UTC in winter.",
        """
        at                      | visitor
        2026-11-19 22:59:59.999 | ann
        2026-11-19 23:00:00.000 | ann
        """,
        """
        date     | hour | eventCount
        20261119 | 23   | 1
        20261120 | 00   | 1
        """,
        "",
        BERLIN,
    ),
    (
        "A day of 23 hours",
        "On 29 March 2026 the clock went from 02:00 to 03:00 in Berlin.",
        """
        at                  | visitor
        2026-03-28 22:59:59 | ann
        2026-03-28 23:00:00 | ann
        2026-03-29 00:59:59 | ann
        2026-03-29 01:00:00 | ann
        2026-03-29 21:59:59 | ann
        2026-03-29 22:00:00 | ann
        """,
        """
        date     | hour | eventCount
        20260328 | 23   | 1
        20260329 | 00   | 1
        20260329 | 01   | 1
        20260329 | 03   | 1
        20260329 | 23   | 1
        20260330 | 00   | 1
        """,
        "",
        BERLIN,
    ),
    (
        "A day of 25 hours",
        "On 25 October 2026 the clock went from 03:00 back to 02:00 in Berlin: the hour 02 includes both.",
        """
        at                  | visitor
        2026-10-24 21:59:59 | ann
        2026-10-24 22:00:00 | ann
        2026-10-25 00:30:00 | ann
        2026-10-25 01:30:00 | ann
        2026-10-25 22:59:59 | ann
        2026-10-25 23:00:00 | ann
        """,
        """
        date     | hour | eventCount
        20261024 | 23   | 1
        20261025 | 00   | 1
        20261025 | 02   | 2
        20261025 | 23   | 1
        20261026 | 00   | 1
        """,
        "",
        BERLIN,
    ),
]
