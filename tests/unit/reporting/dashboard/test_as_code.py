"""A page's report as code: what the programs send is read back as the same report, whatever its values hold."""

import ast
import json
import subprocess
from typing import Any, Final, cast

from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.dashboard.as_code import code_of, google_request, own_request
from reporting.dashboard.details import METRICS, PARAMETERS, read_details, report_of
from reporting.dashboard.filter_chips import OPERATORS
from reporting.dashboard.page_request import KNOWN, read_page
from reporting.dashboard.panel_tabs import PANELS
from reporting.ga4.requests import read_report
from reporting.kinds import parse
from reporting.model.report import (
    And,
    BetweenFilter,
    ByDimension,
    ByMetric,
    DateRange,
    EmptyFilter,
    Filter,
    InListFilter,
    Not,
    NumericFilter,
    Or,
    Report,
    StringFilter,
)
from tests.unit.reporting.dashboard.test_details import NOW, SITE

NUMBER: Final = 7
HOSTILE: Final = [
    "END",
    "\nEND\n",
    "'",
    '"',
    "$(id)",
    "`id`",
    "\\",
    "{site}",
    "{}",
    "'''",
    '"""',
    "\0",
    "\u2028",
    "ü",
    "",
]

texts = st.sampled_from(HOSTILE) | st.text(max_size=8) | st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join)
names = st.sampled_from(["pagePath", "country", "totalUsers", "customEvent:a'b"])
floats = st.floats(allow_nan=False, allow_infinity=False)
leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(
        StringFilter, names, texts, st.sampled_from(["EXACT", "BEGINS_WITH", "CONTAINS", "FULL_REGEXP"]), st.booleans()
    ),
    st.builds(InListFilter, names, st.lists(texts, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(NumericFilter, names, st.sampled_from(["EQUAL", "LESS_THAN", "GREATER_THAN_OR_EQUAL"]), floats),
    st.builds(BetweenFilter, names, floats, floats),
    st.builds(EmptyFilter, names),
)


def with_groups(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, inner))


filters = st.none() | st.recursive(leaves, with_groups, max_leaves=6)
reports = st.builds(
    Report,
    date_ranges=st.just((DateRange("2026-11-01", "today"),)),
    dimensions=st.lists(names, max_size=2, unique=True).map(tuple),
    metrics=st.just(("totalUsers", "sessions")),
    invisible=st.sampled_from([frozenset[str](), frozenset({"sessions"})]),
    dimension_filter=filters,
    metric_filter=filters,
    orders=st.lists(
        st.one_of(
            st.builds(ByMetric, names, st.booleans()),
            st.builds(ByDimension, names, st.booleans(), st.sampled_from(["ALPHANUMERIC", "NUMERIC"])),
        ),
        max_size=2,
    ).map(tuple),
    limit=st.integers(1, 250_000),
    offset=st.integers(0, 10**12),
)


@st.composite
def pages(draw: st.DrawFn) -> Report:
    """The report of a page of details, by its address."""
    tab = draw(st.sampled_from([tab for panel in PANELS for tab in panel.tabs]))
    operator = st.sampled_from(sorted(OPERATORS))
    chips = [f"pagePath:{draw(operator)}:{draw(texts)}" for _ in range(draw(st.integers(0, 3)))]
    query = QueryDict(mutable=True)
    query.setlist("f", chips)
    query["q"], query["page"] = draw(texts), str(draw(st.integers(1, 9)))
    query["sort"] = draw(st.sampled_from(["", *METRICS, f"-{tab.dimension}"]))
    asked = read_page(query, NOW, NOW.date(), {}, KNOWN | {*PARAMETERS})
    return report_of(asked, tab, read_details(query, tab), asked.choice.period, limit=50, offset=100)


def of_curl(code: str) -> Any:
    """What curl gets as its input when a shell runs the code, in which nothing else may run."""
    script = code.replace("curl -H", "show -H", 1)
    done = subprocess.run(
        ["/bin/sh", "-c", f"show() {{ cat; }}\n{script}"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def of_python(code: str) -> Any:
    """The text that is given to from_json."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if getattr(call.func, "attr", "") == "from_json"]
    return json.loads(ast.literal_eval(call.args[0]))


def test_it_works() -> None:
    report = Report(
        date_ranges=(DateRange("2026-11-09", "2026-11-12"),),
        dimensions=("country",),
        metrics=("totalUsers",),
        dimension_filter=StringFilter("pagePath", "/shop/", "BEGINS_WITH"),
        orders=(ByMetric("totalUsers", descending=True),),
    )
    code = code_of(report, NUMBER, SITE)
    assert f"'{SITE}/api/properties/7/report/'" in code.curl
    assert f'"api_endpoint": "{SITE}"' in code.python
    assert parse(of_curl(code.curl)) == read_report(of_python(code.python), NUMBER) == report
    assert "limit" not in own_request(report)


@settings(max_examples=200, deadline=None)
@given(reports | pages())
def test_any_report_is_read_back(report: Report) -> None:
    own, google = (json.loads(json.dumps(body)) for body in (own_request(report), google_request(report, NUMBER)))
    assert parse(own) == report
    assert read_report(google, NUMBER) == report


@settings(max_examples=200, deadline=None)
@given(reports | pages())
def test_the_code_holds_the_request_whatever_its_texts(report: Report) -> None:
    code = code_of(report, NUMBER, SITE)
    assert code.curl.isascii()
    assert code.python.isascii()
    head, _, rest = code.curl.partition("<<'END'\n")
    assert head.count("\n") == 2
    lines = rest.splitlines()
    assert [number for number, line in enumerate(lines) if line == "END"] == [len(lines) - 1]
    assert parse(json.loads("\n".join(lines[:-1]))) == report
    assert read_report(of_python(code.python), NUMBER) == report


def test_a_shell_runs_nothing_else() -> None:
    values = tuple(HOSTILE)
    report = Report(
        date_ranges=(DateRange("today", "today"),),
        metrics=("totalUsers",),
        dimension_filter=InListFilter("pagePath", values),
    )
    assert cast(Report, parse(of_curl(code_of(report, NUMBER, SITE).curl))) == report
