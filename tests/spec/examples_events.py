"""Duplicates, hits that do not count, sources and channels."""

from typing import Any, Final

EXAMPLES: Final[list[tuple[Any, ...]]] = [
    (
        "A hit that is sent again counts once",
        "Of the hits of one visitor with the same ID, the earliest counts, whichever arrived first; the others are"
        " rejected as duplicate. Equal IDs of two visitors are unrelated.",
        """
        received            | visitor | id | page
        2026-11-20 10:00:05 | ann     | a1 | /second
        2026-11-20 10:00:00 | ann     | a1 | /first
        2026-11-20 10:00:09 | bob     | a1 | /other
        """,
        """
        pagePath | eventCount
        /first   | 1
        /other   | 1
        """,
        """
        reason    | hits
        duplicate | 1
        """,
    ),
    (
        "A hit that is sent again days later counts once, too",
        "The tracker retries for 72 hours. Ann's client does not send the time at which it made a hit; Bob's client"
        " does.",
        """
        received            | made                | visitor | id | page
        2026-11-17 10:00:00 |                     | ann     | a1 | /without-time
        2026-11-20 10:00:00 |                     | ann     | a1 | /without-time
        2026-11-17 10:00:00 | 2026-11-17 10:00:00 | bob     | b1 | /with-time
        2026-11-20 10:00:00 | 2026-11-17 10:00:00 | bob     | b1 | /with-time
        """,
        """
        date     | pagePath      | eventCount
        20261117 | /with-time    | 1
        20261117 | /without-time | 1
        """,
        """
        reason    | hits
        duplicate | 2
        """,
    ),
    (
        "First visit and session start are events",
        "The tracker sends them as flags of the first hit.",
        """
        at                  | visitor | session | first | starts
        2026-11-20 10:00:00 | ann     | 7       | 1     | 1
        2026-11-20 10:00:05 | ann     | 7       |       |
        """,
        """
        eventName     | eventCount | screenPageViews
        first_visit   | 1          | 0
        page_view     | 2          | 2
        session_start | 1          | 0
        """,
    ),
    (
        "Bots and unreadable hits do not count",
        "They are kept with their reason. An event needs a name of 1 to 40 characters.",
        """
        at               | visitor | event                                     | agent
        2026-11-20 10:00 | ann     | page_view                                 |
        2026-11-20 10:00 | bob     | page_view                                 | Googlebot/2.1
        2026-11-20 10:00 | cem     | page_view                                 | curl/8.5.0
        2026-11-20 10:00 | dag     | a_name_of_more_than_forty_characters_long |
        """,
        """
        eventCount | totalUsers
        1          | 1
        """,
        """
        reason    | hits
        bot       | 2
        malformed | 1
        """,
    ),
    (
        "An unknown measurement ID",
        "These hits are kept for administrators, under property 0, and change no report.",
        """
        at               | visitor | measurement id
        2026-11-20 10:00 | ann     |
        2026-11-20 10:00 | bob     | G-NOBODY0001
        """,
        """
        eventCount | totalUsers
        1          | 1
        """,
        """
        reason           | hits
        unknown property | 1
        """,
    ),
    (
        "Where sessions come from",
        "Tags in the page's URL come first, then click IDs of advertisements, then the referrer. Pages of the site"
        " itself are not sources. The channel follows from source and medium.",
        """
        at               | visitor | session | page                                         | referrer
        2026-11-20 10:00 | ann     | 1       | /                                            |
        2026-11-20 10:00 | bob     | 2       | /                                            | https://www.google.com/
        2026-11-20 10:00 | cem     | 3       | /?gclid=x                                    | https://www.google.com/
        2026-11-20 10:00 | dag     | 4       | /?utm_source=letter&utm_medium=email         | https://mail.example/
        2026-11-20 10:00 | eva     | 5       | /                                            | https://www.facebook.com/
        2026-11-20 10:00 | fay     | 6       | /                                            | https://news.example/story
        2026-11-20 10:00 | gus     | 7       | /                                            | https://shop.example/other
        2026-11-20 10:00 | hal     | 8       | /?utm_source=x&utm_medium=y                  |
        """,
        """
        sessionSource | sessionMedium | sessionDefaultChannelGroup | sessions
        (direct)      | (none)        | Direct                     | 2
        facebook.com  | referral      | Organic Social             | 1
        google        | cpc           | Paid Search                | 1
        google        | organic       | Organic Search             | 1
        letter        | email         | Email                      | 1
        news.example  | referral      | Referral                   | 1
        x             | y             | Unassigned                 | 1
        """,
    ),
    (
        "The first event of a session determines its source",
        "First means first by time, not by arrival: here the hit with the tags arrived late.",
        """
        received            | made                | visitor | id | session | page
        2026-11-20 10:00:30 | 2026-11-20 10:00:30 | ann     | a2 | 7       | /b?utm_source=other&utm_medium=cpc
        2026-11-20 11:00:00 | 2026-11-20 10:00:00 | ann     | a1 | 7       | /a?utm_source=letter&utm_medium=email
        """,
        """
        sessionSource | pagePath | sessions
        letter        | /a       | 1
        letter        | /b       | 1
        """,
    ),
    (
        "Without cookies, visitors are recognised within one day",
        "They are distinguished by IP address and browser, and by the UTC day on which the hit was received.",
        """
        at               | visitor | address
        2026-11-19 10:00 | ann     | 192.0.2.1
        2026-11-19 10:01 | bob     | 192.0.2.1
        2026-11-19 10:02 | cem     | 192.0.2.2
        2026-11-20 10:00 | ann     | 192.0.2.1
        """,
        """
        date           | totalUsers
        20261119       | 2
        20261120       | 1
        RESERVED_TOTAL | 3
        """,
        "",
        {"identity": "cookieless"},
    ),
]
