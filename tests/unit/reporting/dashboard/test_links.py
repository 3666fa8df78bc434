"""Addresses that differ in a few parameters: everything else stays, in any text."""

from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from reporting.dashboard.links import link, others

Parameters = dict[str, list[str]]

names = st.sampled_from(["f", "period", "from", "metric", "q", "x y", "&", "ü"])
texts = st.text(min_size=1)
queries = st.dictionaries(names, st.lists(texts, min_size=1, max_size=3))


def query_of(parameters: Parameters) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in parameters.items():
        query.setlist(name, values)
    return query


def parameters(address: str) -> Parameters:
    assert address.startswith("?")
    return {name: list(values) for name, values in QueryDict(address.removeprefix("?")).lists()}


def test_it_works() -> None:
    query = QueryDict("period=7d&f=country:is:Germany&page=3")
    assert link(query, period="28d", page="") == "?period=28d&f=country%3Ais%3AGermany"
    assert others(query, "period", "page") == [("f", "country:is:Germany")]


@given(queries, queries)
def test_what_is_changed_changes_and_the_rest_stays(before: Parameters, changes: Parameters) -> None:
    assert parameters(link(query_of(before), **changes)) == before | changes


@given(queries, names)
def test_what_is_emptied_is_left_out(before: Parameters, name: str) -> None:
    left = {each: values for each, values in before.items() if each != name}
    assert parameters(link(query_of(before), **{name: ""})) == left
    assert parameters(link(query_of(before), **{name: []})) == left


@given(queries, texts)
def test_a_name_that_is_a_word_of_python(before: Parameters, value: str) -> None:
    assert parameters(link(query_of(before), from_=value)) == before | {"from": [value]}


@given(queries)
def test_the_query_itself_is_not_changed(before: Parameters) -> None:
    query = query_of(before)
    link(query, f="x", period="")
    assert query == query_of(before)


@given(queries, names)
def test_a_form_carries_on_the_rest(before: Parameters, own: str) -> None:
    fields = others(query_of(before), own)
    again: Parameters = {}
    for name, value in fields:
        again.setdefault(name, []).append(value)
    assert again == {name: values for name, values in before.items() if name != own}


def test_a_parameter_may_have_any_name() -> None:
    assert link(QueryDict("query=1&period=7d"), query="", changes="2") == "?period=7d&changes=2"
