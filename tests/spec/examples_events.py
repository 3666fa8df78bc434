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
        "A page view may say in its address what was searched for",
        "The parameters are q, s, search, query and keyword; an event's own search_term wins over them.",
        """
        at                  | visitor | page                    | event               | ep.search_term
        2026-11-20 10:00:00 | ann     | /find?q=red+shoes       | page_view           |
        2026-11-20 10:00:01 | ann     | /find?q=red+shoes       | scroll              |
        2026-11-20 10:00:02 | bob     | /find?page=2&search=hat | page_view           |
        2026-11-20 10:00:03 | cem     | /                       | view_search_results | hat
        """,
        """
        searchTerm | eventCount | screenPageViews
        (not set)  | 1          | 0
        hat        | 2          | 1
        red shoes  | 1          | 1
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
        "A route in the fragment is a page of its own",
        "A fragment that begins with / or ! belongs to the page; any other does not.",
        """
        at               | visitor | page
        2026-11-20 10:00 | ann     | /app/#/home
        2026-11-20 10:01 | ann     | /app/?lang=de#/home
        2026-11-20 10:02 | ann     | /app/?lang=de#/find?q=shoes
        2026-11-20 10:03 | ann     | /app/#!about
        2026-11-20 10:04 | ann     | /app/#chapter-2
        """,
        """
        pagePath    | pagePathPlusQueryString     | screenPageViews
        /app/       | /app/                       | 1
        /app/#!about | /app/#!about                | 1
        /app/#/find | /app/?lang=de#/find?q=shoes | 1
        /app/#/home | /app/#/home                 | 1
        /app/#/home | /app/?lang=de#/home         | 1
        """,
    ),
    (
        "One address in several spellings is one page",
        "Letters that need no percent encoding, and the spelling of escapes, make no difference. A host in Punycode is"
        " shown in Unicode.",
        """
        at               | visitor | page           | dh
        2026-11-20 10:00 | ann     | /caf%C3%A9/%7e | xn--bcher-kva.example
        2026-11-20 10:01 | ann     | /caf%c3%a9/~   | bücher.example
        2026-11-20 10:02 | ann     | /café/%7E      | Bücher.example
        2026-11-20 10:03 | ann     | /a%2fb         | bücher.example
        2026-11-20 10:04 | ann     | /a%2Fb         | bücher.example
        """,
        """
        hostName       | pagePath | screenPageViews
        bücher.example | /a%2Fb   | 2
        bücher.example | /café/~  | 3
        """,
    ),
    (
        "Tags are read wherever they stand, and are no part of the page",
        "Capitals in their names make no difference, nor does whether `&` or `&amp;` joins them. They may stand in the"
        " fragment.",
        """
        at               | visitor | session | page
        2026-11-20 10:00 | ann     | 1       | /a?UTM_SOURCE=letter&UTM_MEDIUM=email
        2026-11-20 10:00 | bob     | 2       | /a?size=9&amp;utm_source=letter&amp;utm_medium=email
        2026-11-20 10:00 | cem     | 3       | /a#utm_source=letter&utm_medium=email
        2026-11-20 10:00 | dag     | 4       | /#/signup?utm_source=letter&utm_medium=email
        2026-11-20 10:00 | eva     | 5       | /a?FBCLID=x
        """,
        """
        pagePathPlusQueryString | sessionSource | sessionMedium | sessions
        /#/signup               | letter        | email         | 1
        /a                      | facebook.com  | referral      | 1
        /a                      | letter        | email         | 2
        /a?size=9               | letter        | email         | 1
        """,
    ),
    (
        "Engines, assistants and what they have beside them",
        "Only the hosts on which one searches are search. Assistants are a channel of their own, by their host or by"
        " the tag that they put into links.",
        """
        at               | visitor | session | page                      | referrer
        2026-11-20 10:00 | ann     | 1       | /                         | https://yandex.ru/
        2026-11-20 10:00 | bob     | 2       | /                         | https://mail.yandex.ru/
        2026-11-20 10:00 | cem     | 3       | /                         | https://images.google.de/
        2026-11-20 10:00 | dag     | 4       | /                         | https://maps.google.de/
        2026-11-20 10:00 | eva     | 5       | /                         | https://chatgpt.com/
        2026-11-20 10:00 | fay     | 6       | /?utm_source=chatgpt.com  |
        2026-11-20 10:00 | gus     | 7       | /                         | https://help.openai.com/
        """,
        """
        sessionSource   | sessionMedium | sessionDefaultChannelGroup | sessions
        chatgpt.com     | (not set)     | AI Assistant               | 1
        chatgpt.com     | referral      | AI Assistant               | 1
        google          | organic       | Organic Search             | 1
        help.openai.com | referral      | Referral                   | 1
        mail.yandex.ru  | referral      | Referral                   | 1
        maps.google.de  | referral      | Referral                   | 1
        yandex          | organic       | Organic Search             | 1
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
