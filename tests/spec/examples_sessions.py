"""Sessions, engagement, active users."""

from typing import Any, Final

EXAMPLES: Final[list[tuple[Any, ...]]] = [
    (
        "A silence of exactly the timeout does not end a session",
        "Without a session id of the client, the property's timeout decides: 30 minutes, unless it is set otherwise.",
        """
        at                  | visitor
        2026-11-20 10:00:00 | ann
        2026-11-20 10:30:00 | ann
        """,
        """
        sessions | averageSessionDuration
        1        | 1800
        """,
    ),
    (
        "One millisecond more does",
        "",
        """
        at                      | visitor
        2026-11-20 10:00:00.000 | ann
        2026-11-20 10:30:00.001 | ann
        """,
        """
        sessions | averageSessionDuration
        2        | 0
        """,
    ),
    (
        "The timeout is the property's",
        "Here it is five minutes.",
        """
        at                  | visitor
        2026-11-20 10:00:00 | ann
        2026-11-20 10:05:01 | ann
        """,
        """
        sessions
        2
        """,
        "",
        {"session_timeout_s": 300},
    ),
    (
        "A session id of the client holds a session together for four hours",
        "The client knows better than a timeout; but an id that comes back after more than four hours of silence is a"
        " new session.",
        """
        at                      | visitor | session
        2026-11-20 08:00:00.000 | ann     | 7
        2026-11-20 12:00:00.000 | ann     | 7
        2026-11-20 16:00:00.001 | ann     | 7
        """,
        """
        sessions | totalUsers | averageSessionDuration
        2        | 1          | 7200
        """,
    ),
    (
        "Another id is another session",
        "So are events without an id: they belong together among themselves.",
        """
        at                  | visitor | session
        2026-11-20 10:00:00 | ann     | 7
        2026-11-20 10:00:01 | ann     | 8
        2026-11-20 10:00:02 | ann     |
        2026-11-20 10:00:03 | ann     |
        2026-11-20 10:00:04 | bob     | 7
        """,
        """
        sessions | totalUsers
        4        | 2
        """,
    ),
    (
        "Midnight does not split a session",
        "It counts on both days, and once in a total over them. Engaged is said of it for each day, by what was known"
        " at its end: here the second page view came on the second day.",
        """
        at                  | visitor | session
        2026-11-19 23:50:00 | ann     | 7
        2026-11-20 00:10:00 | ann     | 7
        """,
        """
        date           | sessions | engagedSessions | averageSessionDuration
        20261119       | 1        | 0               | 0
        20261120       | 1        | 1               | 1200
        RESERVED_TOTAL | 1        | 1               | 1200
        """,
    ),
    (
        "Ten seconds are not enough to be engaged",
        "More than ten seconds of engagement are; so are two page views, a key event, or that the client says so.",
        """
        at                  | visitor | session | event     | spent | key | says engaged
        2026-11-20 10:00:00 | ann     | 1       | page_view | 10000 |     |
        2026-11-20 10:00:00 | bob     | 2       | page_view | 10001 |     |
        2026-11-20 10:00:00 | cem     | 3       | page_view |       |     |
        2026-11-20 10:00:01 | cem     | 3       | page_view |       |     |
        2026-11-20 10:00:00 | dag     | 4       | sign_up   |       | 1   |
        2026-11-20 10:00:00 | eva     | 5       | scroll    |       |     | 1
        2026-11-20 10:00:00 | fay     | 6       | scroll    |       |     |
        """,
        """
        sessions | engagedSessions | keyEvents | userEngagementDuration
        6        | 4               | 1         | 20.001
        """,
    ),
    (
        "Active users",
        "A visitor is active whose session is engaged, who spent any time at all, or who is here for the first time."
        " One page that was only opened makes no active user.",
        """
        at                  | visitor | session | event     | spent | first
        2026-11-20 10:00:00 | ann     | 1       | page_view | 1     |
        2026-11-20 10:00:00 | bob     | 2       | page_view |       | 1
        2026-11-20 10:00:00 | cem     | 3       | page_view |       |
        """,
        """
        activeUsers | totalUsers | engagedSessions
        2           | 3          | 0
        """,
    ),
    (
        "Visitors are distinct over all the days asked for",
        "So the total is not the sum of the days.",
        """
        at               | visitor
        2026-11-18 10:00 | ann
        2026-11-19 10:00 | ann
        2026-11-20 10:00 | ann
        2026-11-20 10:00 | bob
        """,
        """
        date           | totalUsers | sessions
        20261118       | 1          | 1
        20261119       | 1          | 1
        20261120       | 2          | 2
        RESERVED_TOTAL | 2          | 4
        """,
    ),
]
