"""Condensed rows give the same sums for whole sessions as the events, also when they are stored beside the events."""

import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.models import Property
from processing.segments import folding, sealed_periods
from processing.segments.condensed_columns import CondensedRows
from processing.segments.manifest import LayerRef
from processing.sessions.condensed import (
    CONDENSED,
    CONDENSED_VERSION,
    EVENT_COUNT,
    STEADY,
    SUMMED,
    condense,
    condensed_rows,
    has_condensed,
)
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report
from tests.support.builders import built
from tests.support.erasing import ERASED, EVER, SAID, erase_and_finish, fill, key_of, problems, traces, without_them
from tests.support.erasing import figures as figures_of
from tests.support.installation import SHOP, Installation
from tests.unit.processing.test_schema import FIRST_CONDENSED

EVENT: Final = st.fixed_dictionaries(
    {"session": st.sampled_from([1, 2]), "country": st.sampled_from(["Germany", "France", None])},
    optional={
        "active": st.booleans(),
        "page_view": st.sampled_from([True, False, None]),
        "key_event": st.sampled_from([True, False, None]),
        "engagement_ms": st.sampled_from([None, 0, 7, 86_400_000]),
        "duration_ms": st.sampled_from([None, 5]),
    },
)


def sums(frame: pl.DataFrame, by: Sequence[str]) -> dict[Any, list[int]]:
    """By values of columns: what the rows add up to."""
    found: dict[Any, list[int]] = {}
    for row in frame.iter_rows(named=True):
        added = [int(row[name] or 0) for name in SUMMED] + [row.get(EVENT_COUNT, 1)]
        key = tuple(row[name] for name in by)
        found[key] = [a + b for a, b in zip(found.get(key, [0] * len(added)), added, strict=True)]
    return found


@given(st.lists(EVENT, max_size=30), st.sets(st.sampled_from(STEADY)))
def test_it_works(events: list[dict[str, Any]], dropped: set[str]) -> None:
    rows = built(events).drop(dropped)
    by = [name for name in STEADY if name in rows.columns]
    condensed = condense(rows.select(*by, *SUMMED))
    assert sums(condensed, by) == sums(rows, by)
    assert all(condensed.schema[name] == kind for name, kind in {**SUMMED, EVENT_COUNT: pl.UInt32}.items())
    values = condensed.select(by).rows()
    assert not by or all(before != after for before, after in zip(values, values[1:], strict=False))


def test_columns_have_the_same_types_for_any_number_of_events() -> None:
    some = condensed_rows(built([{}]))
    assert some.schema == condensed_rows(built([])).schema == pl.Schema(CONDENSED) | {n: some.schema[n] for n in STEADY}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", 1)
    return filled_anew(tmp_path)


def filled_anew(folder: Path) -> Installation:
    here = Installation(folder)
    fill(here)
    return here


def counted(here: Installation) -> tuple[Counter[int], Counter[int]]:
    """The number of events by visitor: from the events, and from the condensed rows."""
    view = here.view()
    condensed = view.condensed(*EVER, ["visitor", EVENT_COUNT])
    return Counter(view.events(*EVER, ["visitor"])["visitor"].to_list()), Counter(dict(sums_by_visitor(condensed)))


def sums_by_visitor(condensed: pl.DataFrame) -> list[tuple[int, int]]:
    return condensed.group_by("visitor").agg(pl.col(EVENT_COUNT).sum()).rows()


def written(here: Installation) -> list[pl.DataFrame]:
    store = here.store
    return [store.read(s, name) for s in store.segments() for name in store.sections(s) if name.endswith("_stretches")]


@pytest.mark.django_db(transaction=True)
def test_condensed_rows_are_written_and_read(here: Installation) -> None:
    assert written(here)
    assert all(set(frame.columns) == set(CONDENSED) for frame in written(here))
    events, condensed = counted(here)
    assert events == condensed
    assert len(events) == 2


@pytest.mark.django_db(transaction=True)
def test_condensed_rows_hold_nothing_of_an_erased_visitor(here: Installation, tmp_path: Path) -> None:
    shop = Property.objects.create(id=SHOP.id, name="Shop", measurement_id=SHOP.measurement_id)
    assert traces(here, key_of(ERASED))
    erase_and_finish(here, shop)
    assert written(here)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert counted(here)[0] == counted(here)[1]
    assert figures_of(here) == without_them(tmp_path)


def filled_by_version(
    version: int, without: Collection[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    with monkeypatch.context() as patch:
        patch.setattr(folding, "MIN_CONDENSED_EVENTS", 1)
        patch.setattr(folding, "CONDENSED_VERSION", version)
        lacking = {name: kind for name, kind in CONDENSED.items() if name not in without}
        patch.setattr(folding, "CondensedRows", lambda events, _: CondensedRows(events, lacking))
        here = filled_anew(folder)
    assert written(here)
    assert not any(set(without) & set(frame.columns) for frame in written(here))
    return here


def value_of(here: Installation, dimension: str) -> str:
    """Returns the only value of a dimension."""
    asked = Report(
        date_ranges=(DateRange("2026-11-01", "2026-12-01"),), dimensions=(dimension,), metrics=("eventCount",)
    )
    [row] = run(asked, here.view(), Now.at_end_of(date(2026, 12, 1), "Etc/UTC")).rows
    return row.dimensions[0]


@pytest.mark.django_db(transaction=True)
def test_condensed_rows_of_a_later_version_are_made_of_the_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may lack a column of the present version."""
    here = filled_by_version(CONDENSED_VERSION + 1, ["browser", "session_groups"], tmp_path, monkeypatch)
    assert value_of(here, "browser") == "Chrome"
    assert problems(here) == []


@pytest.mark.django_db(transaction=True)
def test_condensed_rows_of_an_earlier_version_are_read_for_the_columns_that_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [name for name in STEADY if name not in FIRST_CONDENSED]
    here = filled_by_version(1, later, tmp_path, monkeypatch)
    assert value_of(here, "browserVersion") == "131.0.0.0"
    assert problems(here) == []
    monkeypatch.setattr(sealed_periods, "condensed_rows", None)
    assert value_of(here, "browser") == "Chrome"
    assert not has_condensed(["browser", later[0]], 1)


WRITTEN: Final = """
import sys
from pathlib import Path
import polars as pl
from processing.store.embedded.segment_files import SegmentFolder
others = pl.Series([f"others {n}" for n in range(900)] + [f"text {n}" for n in reversed(range(50))])
known = others.cast(pl.Categorical)
texts = [pl.DataFrame({"text": [f"text {n * 7 % 50}" for n in range(size)]}) for size in (60, 6_000, 70_000)]
coded = {f"of_{t.height}": t.with_columns(pl.col("text").cast(pl.Categorical)) for t in texts}
SegmentFolder(Path(sys.argv[1])).put("s", coded)
print(len(known))
"""


def test_the_bytes_of_categorical_text_do_not_depend_on_other_text_of_the_process(tmp_path: Path) -> None:
    """A segment that is written again must have the same bytes, and must hold no text of another property."""
    few = WRITTEN.replace('f"others {n}" for n in range(900)', "").replace("reversed", "list")
    assert [write(code, tmp_path / str(number)) for number, code in enumerate((WRITTEN, few))] == [950, 50]
    files, same = (sorted((tmp_path / name).iterdir()) for name in "01")
    assert [path.name for path in files] == [path.name for path in same]
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in same]


def write(code: str, folder: Path) -> int:
    command = [sys.executable, "-c", code, str(folder)]
    return int(subprocess.check_output(command, cwd=Path(__file__).parents[4], text=True))


@pytest.mark.parametrize(("stored", "version"), [("", 0), (",1", 1), (",2", 2)])
def test_a_manifest_names_the_version_of_condensed_rows(stored: str, version: int) -> None:
    """Manifests from before condensed rows have no version."""
    assert msgspec.json.decode(f'["segment","of_",3,[]{stored}]'.encode(), type=LayerRef).condensed_version == version
