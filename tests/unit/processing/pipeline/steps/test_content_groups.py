from configuration.ruleset.ruleset import ContentGroupRule, FilterRule, NamedGroup, Text
from processing.pipeline.custom_values import extract
from processing.pipeline.process import process
from processing.pipeline.steps.content_groups import content_groups
from tests.support.raw_rows import RULES, ga4, raw, ruled, stepped_through

SECTION = ContentGroupRule(
    name="Section",
    groups=(NamedGroup("Shop", Text("path", "begins", "/shop")), NamedGroup("Blog", Text("path", "begins", "/blog"))),
)
AREA = ContentGroupRule(
    name="Area",
    groups=(NamedGroup("Money", Text("content_group:Section", "equals", "Shop")),),
    otherwise="Words",
)
ROWS = [ga4(n, dl=f"https://example.org{path}") for n, path in enumerate(["/shop/a", "/blog/b", "/c"])]


def test_it_works() -> None:
    found = stepped_through(ruled(SECTION, AREA), *ROWS, until="content_groups")
    assert found.select(extract("custom", "c:Section")).to_series().to_list() == ["Shop", "Blog", None]
    assert found.select(extract("custom", "c:Area")).to_series().to_list() == ["Money", "Words", "Words"]


def test_filters_may_ask_for_them() -> None:
    no_blog = FilterRule(name="No blog", action="exclude", when=Text("content_group:Section", "equals", "blog"))
    found = process(raw(ROWS), ruled(SECTION, no_blog))
    assert sorted(found.events["path"]) == ["/c", "/shop/a"]


def test_they_see_what_rewrites_made() -> None:
    assert process(raw([ga4(dl="https://example.org/shop")]), ruled(SECTION)).events["custom"].to_list() == [
        "c:Section=Shop"
    ]


def test_only_rules_that_are_on_count() -> None:
    off = ContentGroupRule(name="Section", groups=SECTION.groups, state="off")
    frame = stepped_through(RULES, *ROWS, until="rewrite")
    assert content_groups(frame, ruled(off)) is frame
