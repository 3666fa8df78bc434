from configuration.ruleset.ruleset import ChannelGroupRule, NamedGroup, OneOf, Text
from processing.pipeline.custom_values import extract
from processing.pipeline.steps.channel_groups import channel_groups
from tests.support.raw_rows import RULES, ga4, ruled, stepped_through

TEAMS = ChannelGroupRule(
    name="By team",
    channels=(
        NamedGroup("Letters & more", Text("medium", "equals", "email")),
        NamedGroup("Search", Text("channel", "ends", "Search")),
        NamedGroup("Google", Text("source", "equals", "google")),
    ),
)
PAID = ChannelGroupRule(name="Paid", channels=(NamedGroup("yes", OneOf("medium", ("cpc", "cpm"))),), otherwise="no")
ROWS = [ga4(1, cs="a", cm="email"), ga4(2, dr="https://www.google.com/"), ga4(3, cs="google", cm="cpc"), ga4(4)]


def test_it_works() -> None:
    found = stepped_through(ruled(TEAMS, PAID), *ROWS, until="channel_groups")
    assert found["groups"].to_list()[0] == "By+team=Letters%20%26%20more&Paid=no"
    assert found.select(extract("groups", "By team")).to_series().to_list() == [
        "Letters & more",
        "Search",
        "Search",
        "Unassigned",
    ]
    assert found.select(extract("groups", "Paid")).to_series().to_list() == ["no", "no", "yes", "no"]


def test_without_otherwise_nothing_is_kept() -> None:
    none = ChannelGroupRule(name="x", channels=TEAMS.channels, otherwise="")
    found = stepped_through(ruled(none), *ROWS, until="channel_groups")
    assert found["groups"].to_list()[-1] is None


def test_only_rules_that_are_on_count() -> None:
    frame = stepped_through(RULES, *ROWS, until="filters")
    off = ChannelGroupRule(name="x", channels=TEAMS.channels, state="testing")
    assert channel_groups(frame, ruled(off)) is frame
