"""Sessions, engagement, active users."""

from typing import Any, Final

EXAMPLES: Final[list[tuple[Any, ...]]] = [
    (
        "A silence of exactly the timeout does not end a session",
        "If the client sends no session ID, the property's timeout applies: 30 minutes by default.",
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
        "One millisecond more ends it",
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
        "Each property has its own timeout",
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
        "A session ID of the client keeps a session together for four hours",
        "The client's ID wins over the timeout; but an ID that comes back after more than four hours of silence is"
        " a new session.",
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
        "Another ID is another session",
        "Events without an ID form sessions of their own.",
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
        "The session counts on both days, and once in a total over them. Each day decides by itself whether the"
        " session is engaged, by the events up to its end: here the second page view came on the second day.",
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
        "A session has one entrance and one exit",
        "Entrance is its first page view, exit its last one, on whatever days they are.",
        """
        at                  | visitor | session | page | event
        2026-11-19 23:49:00 | ann     | 7       | /    | page_view
        2026-11-19 23:50:00 | ann     | 7       | /a   | page_view
        2026-11-20 00:10:00 | ann     | 7       | /b   | page_view
        2026-11-20 00:11:00 | ann     | 7       | /b   | scroll
        """,
        """
        date           | pagePath       | landingPage    | exitPage       | entrances | exits | screenPageViews
        20261119       | /              | /              | /b             | 1         | 0     | 1
        20261119       | /a             | /              | /b             | 0         | 0     | 1
        20261120       | /b             | /              | /b             | 0         | 1     | 1
        RESERVED_TOTAL | RESERVED_TOTAL | RESERVED_TOTAL | RESERVED_TOTAL | 1         | 1     | 3
        """,
    ),
    (
        "Ten seconds are not enough to be engaged",
        "A session is engaged with more than ten seconds of engagement time, with two page views, with a key event,"
        " or if the client says so.",
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
        "A visitor is active if the session is engaged, if there was any engagement time, or on the first visit. A"
        " single page that was only opened does not make an active user.",
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
        "Visitors are distinct over all days of the report",
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
    (
        "How a visitor came for the first time stays known",
        "Ann came with a letter on Wednesday. On Friday she comes back by herself, and is returning.",
        """
        at               | visitor | session | page
        2026-11-18 10:00 | ann     | 1       | /?utm_source=letter&utm_medium=email
        2026-11-20 10:00 | ann     | 2       | /
        2026-11-20 11:00 | bob     | 3       | /
        """,
        """
        date           | sessionSource | firstUserSource | firstSessionDate | newVsReturning | totalUsers
        20261118       | letter        | letter          | 20261118         | new            | 1
        20261120       | (direct)      | (direct)        | 20261120         | new            | 1
        20261120       | (direct)      | letter          | 20261118         | returning      | 1
        """,
    ),
]
