import crawleruseragents
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.ruleset import BotRule, Ruleset
from processing.pipeline.lookups.user_agents import is_robot
from processing.pipeline.row_ops import FEW
from processing.pipeline.steps.bots import bots
from tests.support.raw_rows import CHROME, ga4, line, reasons, ruled, stepped_through

PEOPLE = [
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146 TV Safari/537.36",
]
PROGRAMS = [
    *(
        "",
        " ",
        "-",
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.31.0",
        "Go-http-client/1.1",
        "Java/17.0.1",
        "axios/1.6",
    ),
    *("Scrapy/2.11", "okhttp/4.9.3", "node-fetch", "libwww-perl/6.05", "Some Company Crawler", "BrandNewBot", "x_bot"),
    CHROME.replace("Chrome/", "HeadlessChrome/"),
    "Mozilla/5.0 (compatible; SomethingNew/1.0; +https://example.net/about)",
    "UniversalFeedParser/4.2 +http://feedparser.org/",
    "LiveJournal.com (webmaster@livejournal.com; for http://www.livejournal.com/users/x/; 1 readers)",
    "Mozilla/5.0 (compatible; YandexAccessibilityBot/3.0; +http://yandex.com/bots)",
]


def test_it_works() -> None:
    rows = [ga4(), ga4(user_agent="Googlebot/2.1"), line(user_agent="curl/8.5"), ga4(user_agent=None)]
    assert reasons(bots, *rows) == [None, "bot", "bot", "bot"]


@pytest.mark.parametrize("agent", PEOPLE)
def test_people(agent: str) -> None:
    assert not is_robot(agent)


@pytest.mark.parametrize("agent", PROGRAMS)
def test_programs(agent: str) -> None:
    assert is_robot(agent)


def test_every_published_crawler_is_found() -> None:
    agents = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
    assert len(agents) > 1000
    assert [agent for agent in agents if not is_robot(agent)] == []


def test_the_spider_family_of_ua_parser_counts() -> None:
    agent = "Mozilla/5.0 (Linux; Android 4.4) Chrome/30 Mobile Safari/537.36 (compatible; Nutch)"
    assert is_robot(agent)


def test_many_rows_and_few_agree() -> None:
    agents = [CHROME, "curl/8.5", None] * FEW
    found = reasons(bots, *(ga4(at, user_agent=agent) for at, agent in enumerate(agents)))
    assert found == [None, "bot", "bot"] * FEW


@settings(deadline=None)
@given(st.text(max_size=3000))
def test_any_text_is_read(agent: str) -> None:
    assert is_robot(agent) in {True, False}


CURL = BotRule(name="Our curl", action="allow", user_agent="curl/8.5")
SPY = BotRule(name="Spy", action="block", user_agent="^spy/[0-9]", test="pattern")


def refused(rules: Ruleset, *agents: str | None) -> list[tuple[str | None, str | None]]:
    rows = [ga4(number, user_agent=agent) for number, agent in enumerate(agents)]
    return stepped_through(rules, *rows, until="bots").select("reason", "rule").rows()


def test_own_rules_block_and_allow() -> None:
    agents = ("Spy/1", "curl/8.5.0", "curl/7", CHROME)
    assert refused(ruled(CURL, SPY), *agents) == [("bot", "Spy"), (None, None), ("bot", None), (None, None)]


def test_allowing_wins_over_blocking() -> None:
    block = BotRule(name="No curl", action="block", user_agent="curl")
    for rules in (ruled(block, CURL), ruled(CURL, block)):
        assert refused(rules, "curl/8.5", "curl/7") == [(None, None), ("bot", "No curl")]


def test_the_lists_can_be_switched_off() -> None:
    assert refused(ruled(bot_lists=False), "curl/7", None) == [(None, None)] * 2
    assert refused(ruled(SPY, bot_lists=False), "curl/7", "spy/2") == [(None, None), ("bot", "Spy")]


def test_rules_that_are_off_or_tested_change_nothing() -> None:
    rules = [msgspec.structs.replace(rule, state=state) for rule in (CURL, SPY) for state in ("off", "testing")]
    assert refused(ruled(*rules), "curl/8.5", "Spy/1") == [("bot", None), (None, None)]
