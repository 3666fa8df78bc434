"""The dimensions of reports. Each registry entry has its definition, the columns that it reads, and expressions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from processing.pipeline.custom_values import GROUP, extract
from reporting.model.report import DerivedDimension, ReportError, undefined, unknown
from reporting.registry import calendar
from reporting.registry.local_time import local_hours, local_minutes

NOT_SET: Final = "(not set)"
CONTENT_GROUP: Final = "contentGroup"
TIME_COLUMNS: Final = {"day", "time"}


class Dimension(NamedTuple):
    """Reports group by `key`, which is quicker than by text; `text` is applied to the keys of the answer only.

    The date 20261110 has the key 20767, days since 1970.
    """

    name: str  # as the APIs call it
    label: str  # as the dashboard calls it
    category: str
    scope: str  # "event" or "session"
    definition: str
    columns: tuple[str, ...]
    key: Callable[[str], pl.Expr]  # time zone -> texts or integers, never null, one for each text
    text: Callable[[pl.Expr], pl.Expr]  # key -> String
    divides_hours: bool = False  # events of one hour may have different values

    @property
    def is_time(self) -> bool:
        """Whether its values are intervals of whole hours, which are known without any event."""
        return set(self.columns) <= TIME_COLUMNS and not self.divides_hours

    def texts_of(self, rows: pl.DataFrame, zone: str) -> pl.Series:
        """Returns the text of each row."""
        return rows.select(self.text(self.key(zone)).alias(self.name)).to_series()


def _set(column: str) -> pl.Expr:
    return pl.col(column).fill_null(NOT_SET)


def _plain(key: pl.Expr) -> pl.Expr:
    return key.cast(pl.String)


def _calendar(key: pl.Expr) -> pl.Expr:
    return key.cast(pl.Date).dt.to_string("%Y%m%d")


def _two_digits(key: pl.Expr) -> pl.Expr:
    return key.cast(pl.String).str.zfill(2)


def _of_day(name: str, label: str, definition: str, key: pl.Expr, text: Callable[[pl.Expr], pl.Expr]) -> Dimension:
    return Dimension(name, label, "Time", "event", definition, ("day",), lambda _zone: key, text)


def _calendar_and_hour(key: pl.Expr) -> pl.Expr:
    return pl.concat_str(_calendar((key // 24).cast(pl.Int32)), _two_digits(key % 24))


def _column(name: str, label: str, category: str, definition: str, column: str) -> Dimension:
    scope = "session" if column.startswith("session_") else "event"
    return Dimension(name, label, category, scope, definition, (column,), lambda _zone: _set(column), _plain)


def _calendar_and_minute(key: pl.Expr) -> pl.Expr:
    return pl.concat_str(_calendar_and_hour(key // 60), _two_digits(key % 60))


def _full_page(zone: str) -> pl.Expr:
    return pl.concat_str(_plain(_set("host")), _page_and_query(zone))


def _page_and_query(_zone: str) -> pl.Expr:
    return pl.map_batches([_plain(_set("path")), _plain(pl.col("query"))], _joined, return_dtype=pl.String())


def _joined(columns: Sequence[pl.Series]) -> pl.Series:
    """Puts each query behind what it belongs to: path `/a#/b` and query `x#y` are `/a?x#/b?y`."""
    path, query = columns
    plain = pl.when(query.is_null()).then(path).otherwise(pl.concat_str(path, pl.lit("?"), query))
    if not path.str.contains("#", literal=True).any():  # most pages have no routes
        return pl.select(plain).to_series()
    (page, route), (own, of_route) = (text.str.splitn("#", 2).struct.unnest() for text in (path, query))
    with_route = pl.concat_str(page, _behind("?", own), pl.lit("#"), route, _behind("?", of_route))
    return pl.select(pl.when(route.is_null()).then(plain).otherwise(with_route)).to_series()


def _behind(mark: str, text: pl.Series) -> pl.Expr:
    return pl.when(text.ne("")).then(pl.lit(mark) + pl.lit(text)).otherwise(pl.lit(""))


def decoded(name: str, label: str, category: str, definition: str, *, column: str, key: str) -> Dimension:
    """Returns the dimension of one key of a column that holds several, "key=value&…" (pipeline/custom_values.py)."""
    scope = "session" if column.startswith("session_") else "event"
    value = extract(column, key).fill_null(NOT_SET)
    return Dimension(name, label, category, scope, definition, (column,), lambda _zone: value, _plain)


def _source_and_medium(_zone: str) -> pl.Expr:
    return pl.concat_str(_plain(_set("session_source")), _plain(_set("session_medium")), separator=" / ")


_ALL: Final = (
    Dimension(
        name="date",
        label="Date",
        category="Time",
        scope="event",
        definition="The local day of the event in the property's time zone, as YYYYMMDD.",
        columns=("day",),
        key=lambda _zone: pl.col("day"),
        text=_calendar,
    ),
    Dimension(
        name="hour",
        label="Hour",
        category="Time",
        scope="event",
        definition="The hour of the event in the property's time zone, 00 to 23. When the clocks go back, the hour"
        " that occurs twice counts as one.",
        columns=("time",),
        key=lambda zone: local_hours(zone) % 24,
        text=_two_digits,
    ),
    Dimension(
        name="dateHour",
        label="Date and hour",
        category="Time",
        scope="event",
        definition="Day and hour of the event in the property's time zone, as YYYYMMDDHH.",
        columns=("time",),
        key=local_hours,
        text=_calendar_and_hour,
    ),
    Dimension(
        name="minute",
        label="Minute",
        category="Time",
        scope="event",
        definition="The minute of the event within its hour in the property's time zone, 00 to 59.",
        columns=("time",),
        key=lambda zone: local_minutes(zone) % 60,
        text=_two_digits,
        divides_hours=True,
    ),
    Dimension(
        name="dateHourMinute",
        label="Date, hour and minute",
        category="Time",
        scope="event",
        definition="Day, hour and minute of the event in the property's time zone, as YYYYMMDDHHMM.",
        columns=("time",),
        key=local_minutes,
        text=_calendar_and_minute,
        divides_hours=True,
    ),
    _of_day(
        "day", "Day of the month", "The local day of the event within its month, 01 to 31.", calendar.DAY, _two_digits
    ),
    _of_day(
        "dayOfWeek",
        "Day of the week",
        "The local day of the event within its week, from 0 for Sunday to 6 for Saturday.",
        calendar.WEEKDAY,
        _plain,
    ),
    _of_day(
        "dayOfWeekName",
        "Name of the weekday",
        "The English name of the event's local day, such as Sunday.",
        calendar.WEEKDAY,
        calendar.weekday_name,
    ),
    _of_day(
        "week",
        "Week",
        "The week of the event's local day, 01 to 54. Weeks begin on Sunday; 1 January is in week 01.",
        calendar.WEEK,
        _two_digits,
    ),
    _of_day(
        "yearWeek",
        "Year and week",
        "Year and week of the event's local day, as YYYYWW. Weeks begin on Sunday; 1 January is in week 01.",
        calendar.YEAR * 100 + calendar.WEEK,
        _plain,
    ),
    _of_day(
        "isoWeek",
        "ISO week",
        "The ISO week of the event's local day, 01 to 53. It begins on Monday; 4 January is in week 01.",
        calendar.ISO_WEEK,
        _two_digits,
    ),
    _of_day(
        "isoYear",
        "ISO year",
        "The year to which the ISO week of the event's local day belongs.",
        calendar.ISO_YEAR,
        _plain,
    ),
    _of_day(
        "isoYearIsoWeek",
        "ISO year and week",
        "ISO year and ISO week of the event's local day, as YYYYWW.",
        calendar.ISO_YEAR * 100 + calendar.ISO_WEEK,
        _plain,
    ),
    _of_day("month", "Month", "The month of the event's local day, 01 to 12.", calendar.MONTH, _two_digits),
    _of_day("year", "Year", "The year of the event's local day, such as 2026.", calendar.YEAR, _plain),
    _of_day(
        "yearMonth",
        "Year and month",
        "Year and month of the event's local day, as YYYYMM.",
        calendar.YEAR * 100 + calendar.MONTH,
        _plain,
    ),
    _column(
        "pagePath",
        "Page path",
        "Page",
        "The path of the page's address, without host and query; a fragment that begins with / or ! belongs to it.",
        "path",
    ),
    Dimension(
        name="pagePathPlusQueryString",
        label="Page path + query string",
        category="Page",
        scope="event",
        definition="Path and query of the page's address; campaign tags and click ids are not part of it.",
        columns=("path", "query"),
        key=_page_and_query,
        text=_plain,
    ),
    Dimension(
        name="fullPageUrl",
        label="Full page URL",
        category="Page",
        scope="event",
        definition="Host, path and query of the page's address, without https://; campaign tags and click ids are not"
        " part of it.",
        columns=("host", "path", "query"),
        key=_full_page,
        text=_plain,
    ),
    decoded(
        CONTENT_GROUP,
        "Content group",
        "Page",
        "The event's group in the first content group of the property's rules; contentGroup:<name> names another.",
        column="custom",
        key=GROUP,
    ),
    _column("hostName", "Host name", "Page", "The host of the page's URL.", "host"),
    _column("eventName", "Event name", "Event", "The name of the event, such as page_view.", "event"),
    _column(
        "sessionSource",
        "Session source",
        "Traffic source",
        "The source of the session's first event, such as google.",
        "session_source",
    ),
    _column(
        "sessionMedium",
        "Session medium",
        "Traffic source",
        "How the session came, such as organic or referral, taken from the session's first event.",
        "session_medium",
    ),
    Dimension(
        name="sessionSourceMedium",
        label="Session source / medium",
        category="Traffic source",
        scope="session",
        definition="sessionSource and sessionMedium, separated by a slash.",
        columns=("session_source", "session_medium"),
        key=_source_and_medium,
        text=_plain,
    ),
    _column(
        "sessionCampaignName",
        "Session campaign",
        "Traffic source",
        "The campaign of the session's first event.",
        "session_campaign",
    ),
    _column(
        "sessionDefaultChannelGroup",
        "Session default channel group",
        "Traffic source",
        "The default channel for source, medium and campaign of the session's first event.",
        "session_channel",
    ),
    _column(
        "country", "Country", "Geography", "The English name of the country from which the event was sent.", "country"
    ),
    _column(
        "deviceCategory",
        "Device category",
        "Technology",
        "The kind of device: desktop, mobile, tablet or smart tv.",
        "device",
    ),
    _column("browser", "Browser", "Technology", "The browser that sent the event.", "browser"),
    _column("operatingSystem", "Operating system", "Technology", "The operating system of the device.", "system"),
)
DIMENSIONS: Final[Mapping[str, Dimension]] = {dimension.name: dimension for dimension in _ALL}
NO_CUSTOM: Final[Mapping[str, Dimension]] = {}


def find_dimension(
    name: str, derived: Mapping[str, DerivedDimension], custom: Mapping[str, Dimension] = NO_CUSTOM
) -> Dimension:
    """Looks a name up in the report, the property's rules and the registry. Raises ReportError for an unknown name."""
    if name in derived:
        return _derive(derived[name], custom)
    dimension = custom.get(name) or DIMENSIONS.get(name)  # the first content group takes the place of CONTENT_GROUP
    if dimension is None:
        raise undefined("dimension", name, custom) or unknown("dimension", name, {**DIMENSIONS, **custom})
    return dimension


def _derive(derived: DerivedDimension, custom: Mapping[str, Dimension]) -> Dimension:
    name = derived.name
    # A report may change a dimension under its own name: pagePath = lower_case(pagePath).
    if (name in DIMENSIONS or name in custom) and derived.of != (name,):
        raise ReportError(f"{name!r} is already a dimension; give the expression another name.")
    if not derived.of or len(derived.delimiter) > 100:
        raise ReportError(
            f"The expression of {name[:100]!r} needs a dimension name, and a delimiter of at most 100 characters."
        )
    parts = [find_dimension(part, {}, custom) for part in derived.of]

    def key(zone: str) -> pl.Expr:
        joined = pl.concat_str([part.text(part.key(zone)) for part in parts], separator=derived.delimiter)
        match derived.function:
            case "lower_case":
                return joined.str.to_lowercase()
            case "upper_case":
                return joined.str.to_uppercase()
            case "concatenate":
                return joined

    columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
    definition = f"{derived.function} of {', '.join(derived.of)}"
    return Dimension(name, name, "Derived", "event", definition, columns, key, _plain)
