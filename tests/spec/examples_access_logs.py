"""Lines of a server's access log."""

from typing import Any, Final

EXAMPLES: Final[list[tuple[Any, ...]]] = [
    (
        "Page views and reasons",
        "If several reasons apply, the first counts, in this order: malformed, method, status, asset, bot.",
        """
        at                  | address   | request                  | status | agent
        2026-11-20 10:00:00 | 192.0.2.1 | GET / HTTP/1.1           | 200    |
        2026-11-20 10:00:05 | 192.0.2.1 | GET /a?x=1 HTTP/1.1      | 304    |
        2026-11-20 10:00:00 | 192.0.2.2 | GET /                    | 200    |
        2026-11-20 10:00:00 | 192.0.2.2 | POST /s.css HTTP/1.1     | 404    | Googlebot/2.1
        2026-11-20 10:00:00 | 192.0.2.2 | GET /s.css HTTP/1.1      | 404    | Googlebot/2.1
        2026-11-20 10:00:00 | 192.0.2.2 | GET /S.CSS?v=2 HTTP/1.1  | 200    | Googlebot/2.1
        2026-11-20 10:00:00 | 192.0.2.2 | GET /robots.txt HTTP/1.1 | 200    | Googlebot/2.1
        """,
        """
        pagePath | screenPageViews | totalUsers
        /        | 1               | 1
        /a       | 1               | 1
        """,
        """
        reason    | hits
        asset     | 1
        bot       | 1
        malformed | 1
        method    | 1
        status    | 1
        """,
    ),
    (
        "Programs",
        "A user agent that names neither a browser nor an engine of browsers is a program's, on the lists or not. Text"
        " browsers are browsers; feed readers are programs.",
        """
        at                  | address   | request            | status | agent
        2026-11-20 10:00:00 | 192.0.2.1 | GET / HTTP/1.1     | 200    | Mozilla/5.0 (X11; rv:130.0) Gecko/20100101
        2026-11-20 10:00:00 | 192.0.2.2 | GET / HTTP/1.1     | 200    | Lynx/2.8.9rel.1 libwww-FM/2.14
        2026-11-20 10:00:00 | 192.0.2.3 | GET / HTTP/1.1     | 200    | Mozilla/5.0 (PLAYSTATION 3; 2.00)
        2026-11-20 10:00:00 | 192.0.2.4 | GET /feed HTTP/1.1 | 200    | Newsboat/2.34.0 (Linux x86_64)
        2026-11-20 10:00:00 | 192.0.2.5 | GET /feed HTTP/1.1 | 200    | Reeder/4020.89.01 CFNetwork/1237 Darwin/20.4.0
        2026-11-20 10:00:00 | 192.0.2.6 | GET / HTTP/1.1     | 200    | Zend_Http_Client
        2026-11-20 10:00:00 | 192.0.2.7 | GET / HTTP/1.1     | 200    | Mozilla/5.0 (compatible)
        """,
        """
        pagePath | screenPageViews | totalUsers
        /        | 3               | 3
        """,
        """
        reason | hits
        bot    | 4
        """,
    ),
    (
        "A visitor is an IP address with a user agent",
        "Every page view makes its visitor active, since a log has no engagement times.",
        """
        at                  | address   | request         | status | agent
        2026-11-20 10:00:00 | 192.0.2.1 | GET / HTTP/1.1  | 200    |
        2026-11-20 10:00:00 | 192.0.2.1 | GET / HTTP/1.1  | 200    | Mozilla/5.0 Firefox/130.0
        2026-11-20 10:00:00 | 192.0.2.2 | GET / HTTP/1.1  | 200    |
        """,
        """
        totalUsers | activeUsers | sessions | engagedSessions
        3          | 3           | 3        | 0
        """,
    ),
    (
        "The address is read out of the first field",
        "A port, a list or a site before it make no other visitor. Without an address, the line is malformed.",
        """
        at                  | address                            | request         | status
        2026-11-20 10:00:00 | 192.0.2.1                          | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:01 | 192.0.2.1:51234                    | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:02 | 192.0.2.1, 10.0.0.7                | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:03 | shop.example:443 192.0.2.1         | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:00 | 2001:db8::1                        | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:01 | [2001:db8::1]:51234                | GET /a HTTP/1.1 | 200
        2026-11-20 10:00:00 | unknown                            | GET /a HTTP/1.1 | 200
        """,
        """
        pagePath | screenPageViews | totalUsers
        /a       | 6               | 2
        """,
        """
        reason    | hits
        malformed | 1
        """,
    ),
    (
        "User names and addresses of pages may contain spaces",
        "Servers write the name as the visitor gave it.",
        """
        at                  | address   | user       | request             | status
        2026-11-20 10:00:00 | 192.0.2.1 | Jane Doe   | GET /a HTTP/1.1     | 200
        2026-11-20 10:00:01 | 192.0.2.1 | "Jane Doe" | GET /a?q=b HTTP/1.1 | 200
        2026-11-20 10:00:02 | 192.0.2.1 | -          | GET /a b HTTP/1.1   | 200
        """,
        """
        pagePath | screenPageViews | totalUsers
        /a       | 2               | 1
        /a b     | 1               | 1
        """,
    ),
    (
        "A range of a file is no view",
        "Whoever plays a film or reads a long document asks for many parts of one file (206).",
        """
        at                  | address   | request                | status
        2026-11-20 10:00:00 | 192.0.2.1 | GET /film.mp4 HTTP/1.1 | 200
        2026-11-20 10:00:01 | 192.0.2.1 | GET /film.mp4 HTTP/1.1 | 206
        2026-11-20 10:00:02 | 192.0.2.1 | GET /film.mp4 HTTP/1.1 | 206
        """,
        """
        pagePath  | screenPageViews
        /film.mp4 | 1
        """,
        """
        reason | hits
        status | 2
        """,
    ),
    (
        "A session of two pages is engaged",
        "The time between them does not matter, as long as it does not exceed the timeout.",
        """
        at                  | address   | request         | status
        2026-11-20 10:00:00 | 192.0.2.1 | GET / HTTP/1.1  | 200
        2026-11-20 10:30:00 | 192.0.2.1 | GET /a HTTP/1.1 | 200
        2026-11-20 11:00:01 | 192.0.2.1 | GET /b HTTP/1.1 | 200
        """,
        """
        sessions | engagedSessions | averageSessionDuration
        2        | 1               | 900
        """,
    ),
]
