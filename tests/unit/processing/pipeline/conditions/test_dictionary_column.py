"""Dictionary columns against the plain columns that they stand for."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.conditions.dictionary_column import combinations, dictionary_encode, on_some

WORDS = st.sampled_from([None, "", "a", "B", "ab", "é"])


def texts(*values: str | None) -> pl.Series:
    return pl.Series("text", values, dtype=pl.String)


def test_it_works() -> None:
    column = dictionary_encode(texts("b", "a", "b"))
    assert column.values.sort().to_list() == ["a", "b"]
    assert column.codes[0] == column.codes[2] != column.codes[1]
    assert column.rows().to_list() == ["b", "a", "b"]
    assert column.map_each(str.upper).rows().to_list() == ["B", "A", "B"]


@given(st.lists(WORDS))
def test_encoding_keeps_each_text_once(words: list[str | None]) -> None:
    column = dictionary_encode(texts(*words))
    assert column.rows().to_list() == [word or "" for word in words]
    assert sorted(column.values) == sorted({word or "" for word in words})


@given(st.lists(st.tuples(WORDS, st.booleans()), min_size=1))
def test_changing_some_rows_leaves_the_others(rows: list[tuple[str | None, bool]]) -> None:
    column = dictionary_encode(texts(*(word for word, _ in rows)))
    mask = pl.Series([chosen for _, chosen in rows], dtype=pl.Boolean)
    changed = column.map_where(mask, lambda values: values.str.to_uppercase())
    expected = [(word or "").upper() if chosen else word or "" for word, chosen in rows]
    assert changed.rows().to_list() == expected
    assert sorted(changed.values) == sorted(set(expected))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20))
def test_combinations_stand_for_all_rows(rows: list[tuple[str | None, str | None]]) -> None:
    many = rows * 200
    columns = [dictionary_encode(texts(*column)) for column in zip(*many, strict=True)]
    found = combinations(columns)
    assert found
    distinct, row = found
    assert [column.rows().gather(row).to_list() for column in distinct] == [
        column.rows().to_list() for column in columns
    ]
    assert len(distinct[0].codes) == len({(left or "", right or "") for left, right in rows})


def test_few_or_different_rows_are_not_combined() -> None:
    assert combinations([]) is None
    assert combinations([dictionary_encode(texts("a", "a"))]) is None
    assert combinations([dictionary_encode(texts(*map(str, range(1000))))]) is None


def test_some_rows_only() -> None:
    mask = pl.Series([True, False, True])
    found = on_some(texts("a", "b", "c"), mask, lambda values: values.str.to_uppercase())
    assert found.to_list() == ["A", None, "C"]
