"""Computes reports that are no tables slowly, from the manual's definitions. Shares no code with the product.

Facts are those of tests/support/oracle_reports.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from tests.support.oracle_reports import DIMENSIONS, METRICS, Fact, Line

Values = tuple[str, ...]


class SlowPivot(NamedTuple):
    """`orders` are (metric, None or the values of a pivot order, descending) or (dimension, None, descending)."""

    dimensions: Sequence[str]
    orders: Sequence[tuple[str, Mapping[str, str] | None, bool]] = ()
    limit: int = 100
    offset: int = 0
    aggregations: Sequence[str] = ()


class PivotLines(NamedTuple):
    headers: list[tuple[list[Values], int]]
    rows: list[Line]
    aggregates: list[Line]


def pivot(
    ranges: Mapping[str, Iterable[Fact]],
    pivots: Sequence[SlowPivot],
    metrics: Sequence[str],
    having: Callable[[dict[str, float]], bool] = lambda _values: True,
) -> PivotLines:
    """`ranges` has the facts of each date range by its name."""
    facts = [
        {**fact, "dateRange": name, "place": place}
        for place, (name, of_range) in enumerate(ranges.items())
        for fact in of_range
    ]
    names = [name for each in pivots for name in each.dimensions]
    by_cell = grouped(facts, [*names, "dateRange"])
    facts = [
        fact for cell in by_cell.values() if having({name: METRICS[name](cell) for name in metrics}) for fact in cell
    ]
    places = {name: str(number) for number, name in enumerate(ranges)}  # date ranges are in the order of the request
    pages = [_page(facts, each, metrics, places) for each in pivots]
    rows = _cells(facts, pivots, pages, metrics, over=())
    aggregates = []
    for aggregation, label in (("TOTAL", "RESERVED_TOTAL"), ("MINIMUM", "RESERVED_MIN"), ("MAXIMUM", "RESERVED_MAX")):
        asking = [n for n, each in enumerate(pivots) if aggregation in each.aggregations]
        for size in range(1, len(asking) + 1):
            for over in combinations(asking, size):
                aggregates += _aggregated(facts, pivots, pages, metrics, over, label)
    return PivotLines([(page[0], page[1]) for page in pages], rows, aggregates)


def value(fact: Fact, dimension: str) -> str:
    return str(fact["dateRange"]) if dimension == "dateRange" else DIMENSIONS[dimension](fact)


def grouped(facts: Iterable[Fact], names: Sequence[str]) -> dict[Values, list[Fact]]:
    groups = defaultdict(list)
    for fact in facts:
        groups[tuple(value(fact, name) for name in names)].append(fact)
    return dict(groups)


def measured(facts: list[Fact], metrics: Sequence[str]) -> tuple[float, ...]:
    return tuple(METRICS[name](facts) for name in metrics)


def _page(
    facts: list[Fact], asked: SlowPivot, metrics: Sequence[str], places: Mapping[str, str]
) -> tuple[list[Values], int]:
    groups = {
        values: group for values, group in grouped(facts, asked.dimensions).items() if any(_added(group, metrics))
    }

    def key(values: Values) -> list[Any]:
        keys: list[Any] = []
        own = dict(zip(asked.dimensions, values, strict=True))
        for name, chosen, descending in asked.orders or [(metrics[0], None, True)]:
            if name in asked.dimensions:
                text = places[own[name]] if name == "dateRange" else own[name]
                keys.append(_Backwards(text) if descending else text)
                continue
            group = [f for f in groups[values] if all(value(f, n) == v for n, v in (chosen or {}).items())]
            keys.append(_added(group, [name])[0] * (-1 if descending else 1))
        by_range = places[own["dateRange"]] if "dateRange" in own else ""
        return [*keys, *(text for name, text in own.items() if name != "dateRange"), by_range]

    ordered = sorted(groups, key=key)
    return ordered[asked.offset : asked.offset + asked.limit], len(ordered)


class _Backwards(str):
    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str(self) > str(other)


def _added(facts: list[Fact], metrics: Sequence[str]) -> tuple[float, ...]:
    """Metrics that are sums or distinct numbers: those of the date ranges, added up."""
    parts = [measured(group, metrics) for group in grouped(facts, ["dateRange"]).values()]
    return tuple(sum(values) for values in zip(*parts, strict=True)) if parts else (0,) * len(metrics)


def _cells(
    facts: list[Fact],
    pivots: Sequence[SlowPivot],
    pages: Sequence[tuple[list[Values], int]],
    metrics: Sequence[str],
    over: Sequence[int],
) -> list[Line]:
    """The cells whose values the pivots show, but for those that are aggregated over, in the order of the headers."""
    names = [name for each in pivots for name in each.dimensions]
    lines = []
    for values, group in grouped(facts, names).items():
        left, ranks = list(values), []
        for number, each in enumerate(pivots):
            own, left = tuple(left[: len(each.dimensions)]), left[len(each.dimensions) :]
            if number not in over:
                ranks.append(pages[number][0].index(own) if own in pages[number][0] else -1)
        if -1 not in ranks and any(measured(group, metrics)):
            lines.append((ranks, values, measured(group, metrics)))
    return [(values, numbers) for _, values, numbers in sorted(lines)]


def _aggregated(
    facts: list[Fact],
    pivots: Sequence[SlowPivot],
    pages: Sequence[tuple[list[Values], int]],
    metrics: Sequence[str],
    over: Sequence[int],
    label: str,
) -> list[Line]:
    def shown(fact: Fact) -> list[int] | None:
        own = [tuple(value(fact, name) for name in each.dimensions) for each in pivots]
        ranks = [
            pages[n][0].index(own[n]) if own[n] in pages[n][0] else -1 for n in range(len(pivots)) if n not in over
        ]
        return None if -1 in ranks else ranks

    groups = defaultdict(list)
    for fact in facts:
        ranks = shown(fact)
        if ranks is not None:
            values = tuple(
                label if number in over and name != "dateRange" else value(fact, name)
                for number, each in enumerate(pivots)
                for name in each.dimensions
            )
            groups[(tuple(ranks), fact["place"], values)].append(fact)
    lines = []
    for (_ranks, _range, values), group in sorted(groups.items(), key=lambda item: item[0][:2]):
        names = [name for each in pivots for name in each.dimensions]
        cells = [measured(cell, metrics) for cell in grouped(group, names).values()]
        cells = [cell for cell in cells if any(cell)]
        if label == "RESERVED_TOTAL":
            lines.append((values, measured(group, metrics)))
        elif cells:
            extreme = min if label == "RESERVED_MIN" else max
            lines.append((values, tuple(extreme(column) for column in zip(*cells, strict=True))))
    return lines


def realtime(
    facts: Iterable[Fact],
    now_ms: int,
    dimensions: Sequence[str],
    metrics: Sequence[str],
    ranges: Mapping[str, tuple[int, int]],
) -> tuple[list[Line], list[Line]]:
    """`ranges` have how many minutes ago they begin and end. Returns the rows, with the name of their range last, and
    the totals.
    """
    rows: list[tuple[int, Line]] = []
    totals: list[Line] = []
    for number, (name, (start, end)) in enumerate(ranges.items()):
        chosen = [
            {**fact, "minutes_ago": ago}
            for fact in facts
            if end <= (ago := now_ms // 60_000 - fact["time"] // 60_000) <= start
        ]
        groups = defaultdict(list)
        for fact in chosen:
            texts = (f"{fact['minutes_ago']:02}" if n == "minutesAgo" else value(fact, n) for n in dimensions)
            groups[tuple(texts)].append(fact)
        lines = [((*values, name), measured(group, metrics)) for values, group in groups.items()]
        rows += [(number, line) for line in lines if any(line[1])]
        totals.append((("RESERVED_TOTAL",) * len(dimensions) + (name,), measured(chosen, metrics)))
    ordered = sorted(rows, key=lambda row: (-row[1][1][0], row[1][0][:-1], row[0]))
    return [line for _, line in ordered], totals


def changes(
    before: list[Fact], after: list[Fact], dimension: str, metric: str, limit: int
) -> tuple[list[tuple[Any, ...]], tuple[float, float], tuple[float, float]]:
    """Returns (value, status, before, after) of the largest changes; before and after of the others, and of all."""
    groups = [grouped(facts, [dimension]) for facts in (before, after)]
    lines = list[tuple[Any, ...]]()
    for values in {**groups[0], **groups[1]}:
        status = "new" if values not in groups[0] else "gone" if values not in groups[1] else "kept"
        lines.append((*values, status, *(METRICS[metric](group.get(values, [])) for group in groups)))
    ordered = sorted(lines, key=lambda line: (-abs(line[3] - line[2]), line[0]))
    listed = {line[0] for line in ordered[:limit]}
    others = [[fact for fact in facts if value(fact, dimension) not in listed] for facts in (before, after)]
    return (
        ordered[:limit],
        (METRICS[metric](others[0]), METRICS[metric](others[1])),
        (METRICS[metric](before), METRICS[metric](after)),
    )


def sessions(facts: Iterable[Fact], dimensions: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the sessions, by their start: figures, and dimensions at the first event."""
    by_session = defaultdict(list)
    for fact in facts:
        by_session[fact["session"]].append(fact)
    found = []
    for session, group in by_session.items():
        first = min(group, key=lambda fact: (fact["time"], fact.get("sequence", 0), fact.get("hit", 0), fact["index"]))
        times = [fact["time"] for fact in group]
        found.append(
            {
                "session": session,
                "start": min(times),
                "seconds": (max(times) - min(times)) / 1000,
                "engagement_seconds": sum(fact["engagement_ms"] for fact in group) / 1000,
                "page_views": sum(fact["page_view"] for fact in group),
                "events": len(group),
                "key_events": sum(fact["key"] for fact in group),
                "engaged": any(fact["engaged"] for fact in group),
                "dimensions": tuple(value(first, name) for name in dimensions),
            }
        )
    return sorted(found, key=lambda session: session["start"])
