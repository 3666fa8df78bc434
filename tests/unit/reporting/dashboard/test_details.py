"""A table with all of its rows: their order, their pages, their search; all pages together are all rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.dashboard import details
from reporting.dashboard.details import LONGEST_SEARCH, METRICS, PARAMETERS, details_page, read_details
from reporting.dashboard.links import link
from reporting.dashboard.number_format import format_value
from reporting.dashboard.page_request import KNOWN, read_page
from reporting.dashboard.panel_tabs import PANEL, PANELS
from reporting.dashboard.panels import panels
from tests.support.builders import FrameView, view_of

NOW: Final = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
PERIOD: Final = "from=2026-11-09&to=2026-11-12"
PAGES: Final = PANEL["pages"]
TOP: Final = PAGES.tabs[0]
SITE: Final = "https://hits.example"

paths = st.sampled_from(["/a", "/A", "/b", "/ab", "", "/<b>", "/ü", "/%", *(f"/{number}" for number in range(9))])


class Begun(FrameView):
    """With a first day, as views of a store have."""

    begins = date(2026, 11, 1)


def site_of(*events: dict[str, Any]) -> Any:
    return Begun(*view_of(*events))


def table(view: Any, query: QueryDict, tab: Any = TOP) -> dict[str, Any]:
    asked = read_page(query, NOW, view.begins, {}, KNOWN | {*PARAMETERS})
    return details_page(view, asked, PAGES, tab, NOW, query, SITE)


def all_rows(view: Any, query: QueryDict, tab: Any = TOP) -> list[dict[str, Any]]:
    """The rows of all pages, by following the links to the next."""
    rows: list[dict[str, Any]] = []
    while True:
        page = table(view, query, tab)
        rows += page["rows"]
        if not page["next"]:
            assert int(page["last_row"]) == len(rows) == int(page["row_count"])
            return rows
        query = QueryDict(page["next"].removeprefix("?"))


def many(count: int) -> Any:
    return site_of(*({"path": f"/{number:03}", "visitor": number, "session": number} for number in range(count)))


def test_it_works() -> None:
    view = site_of({"path": "/a"}, {"path": "/a", "visitor": 2, "session": 2}, {"path": "/b"})
    found = table(view, QueryDict(PERIOD))
    assert [(row["name"], row["values"][:2]) for row in found["rows"]] == [("/a", ["2", "2"]), ("/b", ["1", "1"])]
    assert (found["first_row"], found["last_row"], found["row_count"], found["next"]) == ("1", "2", "2", "")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "ROWS", 3)


@pytest.mark.usefixtures("small_pages")
@given(
    st.lists(st.tuples(paths, st.integers(1, 4)), min_size=1, max_size=30),
    st.sampled_from(["", *METRICS, *(f"-{name}" for name in METRICS), "pagePath", "-pagePath"]),
    st.sampled_from(["", "a", "A", "/", "<b>", "ü", "%", "nowhere"]),
)
def test_all_pages_together_are_all_rows(events: list[tuple[str, int]], sort: str, search: str) -> None:
    view = site_of(*({"path": path, "visitor": visitor, "session": visitor} for path, visitor in events))
    query = QueryDict(link(QueryDict(PERIOD), sort=sort, q=search, columns=METRICS).removeprefix("?"))
    rows = all_rows(view, query)
    found = {path for path, _ in events if search.lower() in path.lower()}
    views = {path: sum(each == path for each, _ in events) for path in found}
    visitors = {path: len({visitor for each, visitor in events if each == path}) for path in found}
    assert {row["name"]: int(row["values"][2]) for row in rows} == views
    assert {row["name"]: int(row["values"][0]) for row in rows} == visitors
    assert len(rows) == len(found)
    _check_order(rows, sort or f"-{METRICS[0]}", views, visitors)


def _check_order(rows: list[dict[str, Any]], sort: str, views: dict[str, int], visitors: dict[str, int]) -> None:
    by: dict[str, dict[str, Any]] = {"pagePath": {name: name for name in views}}
    by |= {"screenPageViews": views, "totalUsers": visitors}
    if key := by.get(sort.removeprefix("-")):
        values = [key[row["name"]] for row in rows]
        assert values == sorted(values, reverse=sort.startswith("-"))


@pytest.mark.usefixtures("small_pages")
def test_pages_lead_to_each_other() -> None:
    view = many(8)
    second = table(view, QueryDict(f"{PERIOD}&page=2&sort=pagePath&f=country:is:Germany"))
    assert [row["name"] for row in second["rows"]] == ["/003", "/004", "/005"]
    before, after = (QueryDict(second[name].removeprefix("?")) for name in ("previous", "next"))
    assert (before["page"], after["page"]) == ("1", "3")
    assert before["f"] == after["f"] == "country:is:Germany"
    assert table(view, before)["previous"] == ""
    assert table(view, after)["next"] == ""


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("page", ["4", "1000000", "9223372036854775807"])
def test_a_page_after_the_last_is_the_last(page: str) -> None:
    found = table(many(8), QueryDict(f"{PERIOD}&sort=pagePath&page={page}"))
    assert [row["name"] for row in found["rows"]] == ["/006", "/007"]
    assert found["complaints"] == (f"There is no page {int(page):,}; this is the last one, 3.",)
    assert (found["first_row"], found["last_row"]) == ("7", "8")
    assert found["next"] == ""
    assert QueryDict(found["previous"].removeprefix("?"))["page"] == "2"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("page=0", "“0” is not a page of this table."),
        ("page=-1", "“-1” is not a page of this table."),
        ("page=²", "“²” is not a page of this table."),
        ("sort=size", "“size” is not a column to sort by."),
        ("sort=-eventCount&columns=sessions", "“-eventCount” is not a column to sort by."),
        ("columns=sessions&columns=colour", "“colour” is not a column of this table."),
        ("q=" + "x" * (LONGEST_SEARCH + 1), f"Only the first {LONGEST_SEARCH} characters are searched for."),
    ],
)
def test_what_cannot_be_followed_is_named(query: str, complaint: str) -> None:
    assert read_details(QueryDict(query), TOP).complaints == (complaint,)


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.lists(st.text(max_size=9), min_size=1, max_size=2)))
def test_any_address_has_a_table(parameters: dict[str, list[str]]) -> None:
    query = QueryDict(PERIOD, mutable=True)
    for name, values in parameters.items():
        query.setlist(name, values)
    found = table(site_of({"path": "/a"}), query)
    assert len(found["heads"]) >= 2
    assert all(complaint.isprintable() for complaint in found["complaints"])


def test_a_head_turns_the_order_round() -> None:
    view = many(3)
    heads = table(view, QueryDict(f"{PERIOD}&page=1"))["heads"]
    assert [head["order"] for head in heads[:2]] == ["", "descending"]
    turned = QueryDict(heads[1]["address"].removeprefix("?"))
    assert (turned["sort"], "page" in turned) == ("screenPageViews", False)
    assert [head["order"] for head in table(view, turned)["heads"][:2]] == ["", "ascending"]


def test_rows_lead_to_the_overview_without_what_is_only_of_the_table() -> None:
    query = QueryDict(f"{PERIOD}&q=/0&sort=sessions&page=1&columns=sessions&f=country:is:Germany")
    row = table(many(3), query)["rows"][0]
    for address, operator in ((row["only"], "is"), (row["without"], "not")):
        leads = QueryDict(address.removeprefix("?"))
        assert set(leads) == {"from", "to", "f"}
        assert leads.getlist("f") == ["country:is:Germany", f"pagePath:{operator}:/000"]
    assert set(QueryDict(table(many(3), query)["overview"].removeprefix("?"))) == {"from", "to", "f"}


@pytest.mark.parametrize("tab", [(panel.key, tab.key) for panel in PANELS for tab in panel.tabs])
def test_the_overview_has_the_first_of_the_same_rows(tab: tuple[str, str]) -> None:
    """For every table, also in the comparison of a period that is not over."""
    at = [NOW - timedelta(hours=hours) for hours in (0, 1, 24, 25, 23.5)]
    visits = [
        {
            "at": moment,
            "visitor": number % 5,
            "session": number,
            "path": f"/{number % 3}",
            "browser": f"B{number % 2}",
            "country": ("Germany", "France", "(not set)")[number % 3],
            "key_event": number % 4 == 0,
            "event": ("page_view", "sign_up")[number % 2],
            "session_campaign": "may",
        }
        for number, moment in enumerate(at * 3)
    ]
    view = site_of(*visits)
    panel, name = tab
    query = QueryDict(f"period=today&{panel}={name}")
    asked = read_page(query, NOW, view.begins, {})
    overview = panels(view, asked, NOW, query)
    (short,) = [each for column in overview["columns"] for each in column if each["key"] == panel]
    found = PANEL[panel].tab(name)
    assert found
    whole = details_page(view, asked, PANEL[panel], found, NOW, query, SITE)
    width = len(found.metrics)
    shown = [(row["name"], row["values"], row["change"], row["share"]) for row in short["rows"]]
    assert shown == [
        (row["name"], row["values"][:width], row["change"], row["share"]) for row in whole["rows"][: len(shown)]
    ]
    assert int(whole["row_count"]) >= len(shown)


@settings(max_examples=10)
@given(st.lists(st.tuples(paths, st.integers(1, 4)), min_size=1, max_size=30))
def test_rows_add_up_to_the_totals_of_the_overview(events: list[tuple[str, int]]) -> None:
    view = site_of(*({"path": path, "visitor": visitor, "session": visitor} for path, visitor in events))
    query = QueryDict(PERIOD)
    overview = panels(view, read_page(query, NOW, view.begins, {}), NOW, query)
    totals = {total["name"]: total["value"] for total in overview["totals"]}
    rows = all_rows(view, query)
    assert format_value("screenPageViews", sum(int(row["values"][0]) for row in rows)) == totals["screenPageViews"]
