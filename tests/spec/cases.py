"""What reports must say, as tables: hits in, report out. Run on a hit's whole way, and rendered into the manual."""

from typing import Any, Final, NamedTuple

from reporting.model.report import ByDimension, DateRange, NumericFilter, Report, StringFilter

DAY: Final = (DateRange("2026-11-20", "2026-11-20"),)


class Case(NamedTuple):
    """`hits` and `answer` are tables: the first line names the columns, each further line is a row.

    A hit's columns: at (UTC), client, page, event (else page_view), and any parameter of the wire format.
    """

    title: str
    rule: str
    hits: str
    report: Report
    answer: str
    zone: str = "Etc/UTC"


def _report(*metrics: str, by: tuple[str, ...] = (), **more: Any) -> Report:
    orders = tuple(ByDimension(name) for name in by)
    return Report(**{"date_ranges": DAY, "dimensions": by, "metrics": metrics, "orders": orders, **more})


CASES: Final = (
    Case(
        "A session ends after half an hour of silence",
        "Hits without a session ID belong together as long as no gap between them is longer than the property's"
        " timeout.",
        """
        at               | client | page
        2026-11-20 10:00 | 1.1    | /a
        2026-11-20 10:30 | 1.1    | /b
        2026-11-20 11:01 | 1.1    | /c
        """,
        _report("sessions", "totalUsers", "screenPageViews"),
        """
        sessions | totalUsers | screenPageViews
        2        | 1          | 3
        """,
    ),
    Case(
        "Midnight does not split a session",
        "The session counts on each day on which it has an event, and once in a report over both. Its duration is"
        " divided between the days.",
        """
        at                  | client | page | sid
        2026-11-19 23:50:00 | 1.1    | /a   | 7
        2026-11-20 00:10:00 | 1.1    | /b   | 7
        """,
        _report(
            *("sessions", "averageSessionDuration"),
            by=("date",),
            date_ranges=(DateRange("2026-11-19", "2026-11-20"),),
            aggregations=frozenset({"TOTAL"}),
        ),
        """
        date           | sessions | averageSessionDuration
        20261119       | 1        | 0
        20261120       | 1        | 1200
        RESERVED_TOTAL | 1        | 1200
        """,
    ),
    Case(
        "Engaged by the end of the day",
        "A session is engaged with two page views, or with more than 10 seconds of engagement time. Its visitor is"
        " active. A visitor with any engagement time, or on the first visit, is active as well.",
        """
        at                  | client | page | sid | _et   | event
        2026-11-20 10:00:00 | 1.1    | /a   | 1   |       | page_view
        2026-11-20 10:00:20 | 1.1    | /b   | 1   |       | page_view
        2026-11-20 10:00:00 | 2.2    | /a   | 2   |       | page_view
        2026-11-20 10:00:30 | 2.2    | /a   | 2   | 10001 | scroll
        2026-11-20 10:00:00 | 3.3    | /a   | 3   |       | page_view
        """,
        _report("sessions", "engagedSessions", "activeUsers", "totalUsers"),
        """
        sessions | engagedSessions | activeUsers | totalUsers
        3        | 2               | 2           | 3
        """,
    ),
    Case(
        "A total is not the sum of its rows",
        "A visitor who saw two pages counts in both rows, and once in the total.",
        """
        at               | client | page
        2026-11-20 10:00 | 1.1    | /a
        2026-11-20 10:01 | 1.1    | /b
        2026-11-20 10:02 | 2.2    | /b
        """,
        _report("totalUsers", by=("pagePath",), aggregations=frozenset({"TOTAL"})),
        """
        pagePath       | totalUsers
        /a             | 1
        /b             | 2
        RESERVED_TOTAL | 2
        """,
    ),
    Case(
        "The first event determines a session's source",
        "A campaign that appears later in the session does not change where the session came from.",
        """
        at                  | client | page | sid | cs     | cm
        2026-11-20 10:00:00 | 1.1    | /a   | 1   | letter | email
        2026-11-20 10:01:00 | 1.1    | /b   | 1   | other  | cpc
        """,
        _report("sessions", "eventCount", by=("sessionSource", "sessionMedium")),
        """
        sessionSource | sessionMedium | sessions | eventCount
        letter        | email         | 1        | 2
        """,
    ),
    Case(
        "A hit that is sent twice counts once",
        "Of the hits of one visitor with the same ID, the earliest counts; the others are rejected as duplicates.",
        """
        at                  | client | page | _hid
        2026-11-20 10:00:00 | 1.1    | /a   | x1
        2026-11-20 10:00:05 | 1.1    | /a   | x1
        2026-11-20 10:00:09 | 1.1    | /a   | x2
        """,
        _report("eventCount", by=("pagePath",)),
        """
        pagePath | eventCount
        /a       | 2
        """,
    ),
    Case(
        "Date ranges may overlap",
        "Each range is counted separately; the dimension dateRange says which range a row belongs to.",
        """
        at               | client | page
        2026-11-19 10:00 | 1.1    | /a
        2026-11-20 10:00 | 1.1    | /a
        """,
        _report(
            *("eventCount", "totalUsers"),
            by=("dateRange",),
            date_ranges=(DateRange("2026-11-19", "2026-11-20", "both"), DateRange("2026-11-20", "2026-11-20", "last")),
        ),
        """
        dateRange | eventCount | totalUsers
        both      | 2          | 1
        last      | 1          | 1
        """,
    ),
    Case(
        "Filters",
        "The dimension filter selects events, also by dimensions that the report does not show. The metric filter"
        " selects rows.",
        """
        at               | client | page    | event
        2026-11-20 10:00 | 1.1    | /shop/a | page_view
        2026-11-20 10:01 | 1.1    | /shop/a | page_view
        2026-11-20 10:02 | 1.1    | /Shop/b | page_view
        2026-11-20 10:03 | 1.1    | /shop/a | scroll
        2026-11-20 10:04 | 1.1    | /blog   | page_view
        """,
        _report(
            "eventCount",
            by=("eventName",),
            dimension_filter=StringFilter("pagePath", "/SHOP", "BEGINS_WITH"),
            metric_filter=NumericFilter("eventCount", "GREATER_THAN", 1),
        ),
        """
        eventName | eventCount
        page_view | 3
        """,
    ),
    Case(
        "Days and hours are those of the property",
        "This property's time zone is Europe/Berlin, one hour ahead of UTC in winter.",
        """
        at               | client | page
        2026-11-19 22:59 | 1.1    | /a
        2026-11-19 23:00 | 1.1    | /b
        """,
        _report("eventCount", by=("date", "hour", "pagePath"), date_ranges=(DateRange("2026-11-19", "2026-11-20"),)),
        """
        date     | hour | pagePath | eventCount
        20261119 | 23   | /a       | 1
        20261120 | 00   | /b       | 1
        """,
        "Europe/Berlin",
    ),
)
