"""The collector's metrics in the text format of Prometheus. No label ever holds text that a client sent."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

REFUSALS: Final[tuple[str, ...]] = (
    "not found",
    "method",
    "url too long",
    "body too large",
    "body incomplete",
    "queue full",
    "log unavailable",
)
APPEND_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

Labels = Mapping[str, str | int]
Sample = tuple[Labels, float]


class Gauge(NamedTuple):
    """A metric whose value is read when the metrics are requested."""

    name: str
    meaning: str
    read: Callable[[], list[Sample]]


class CollectorMetrics:
    """Counters: `refused` is changed in the loop's thread, appends in the writer's thread."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = dict.fromkeys(REFUSALS, 0)
        self._appends = 0
        self._append_seconds = 0.0
        self._buckets = [0] * (len(APPEND_BUCKETS_S) + 1)

    def refuse(self, reason: str) -> None:
        self.refused[reason] += 1

    def append_done(self, hits: int, seconds: float) -> None:
        self.accepted += hits
        self._appends += 1
        self._append_seconds += seconds
        self._buckets[bisect_left(APPEND_BUCKETS_S, seconds)] += 1

    def lines(self) -> Iterator[str]:
        yield from family("accepted_total", "counter", "Hits that were made durable.", [({}, self.accepted)])
        refused = [({"reason": reason}, count) for reason, count in self.refused.items()]
        yield from family("refused_total", "counter", "Requests that were not accepted, by reason.", refused)
        yield from family("append_seconds", "histogram", "Time that an append took until it was durable.", [])
        cumulated = 0
        for limit, count in zip([*map(str, APPEND_BUCKETS_S), "+Inf"], self._buckets, strict=True):
            cumulated += count
            yield sample("append_seconds_bucket", {"le": limit}, cumulated)
        yield sample("append_seconds_sum", {}, self._append_seconds)
        yield sample("append_seconds_count", {}, self._appends)


def gauge_lines(gauges: Iterable[Gauge], errors: tuple[type[Exception], ...]) -> list[str]:
    """Returns the lines of all gauges. A gauge whose `read` raises one of `errors` becomes a comment."""
    lines: list[str] = []
    for name, meaning, read in gauges:
        try:
            lines += family(name, "gauge", meaning, read())
        except errors:
            lines.append(f"# hitstream_{name} is unknown: its source cannot be read")
    return lines


def family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yields the lines of one metric."""
    yield f"# HELP hitstream_{name} {meaning}"
    yield f"# TYPE hitstream_{name} {kind}"
    for labels, value in samples:
        yield sample(name, labels, value)


def sample(name: str, labels: Labels, value: float) -> str:
    label_text = ",".join(f'{key}="{escaped(str(text))}"' for key, text in labels.items())
    return f"hitstream_{name}{{{label_text}}} {value}" if label_text else f"hitstream_{name} {value}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
