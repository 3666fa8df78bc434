"""Programs by name and category, from real user agents."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.robots import CATEGORIES, LONGEST_NAME, OF_TAG, find_program
from processing.pipeline.lookups.user_agents import is_robot, names_browser
from tests.support.raw_rows import CHROME

LOG = Path(__file__).parents[4] / "data" / "access-semicomplete-2015.log"
AI = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {}; +https://example.org/bot)"
KNOWN = {
    AI.format("GPTBot/1.2"): ("GPTBot", "AI crawler"),
    AI.format("ChatGPT-User/1.0"): ("ChatGPT-User", "AI assistant"),
    AI.format("OAI-SearchBot/1.0"): ("OAI-SearchBot", "AI crawler"),
    AI.format("ClaudeBot/1.0"): ("ClaudeBot", "AI crawler"),
    AI.format("Claude-User/1.0"): ("Claude-User", "AI assistant"),
    AI.format("Perplexity-User/1.0"): ("Perplexity-User", "AI assistant"),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": ("Googlebot", "search engine"),
    "Googlebot-Image/1.0": ("Googlebot-Image", "search engine"),
    "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 22 subscribers)": (
        "FeedFetcher-Google",
        "feed reader",
    ),
    "Tiny Tiny RSS/1.11 (http://tt-rss.org/)": ("Tiny Tiny RSS", "feed reader"),
    "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)": (
        "archive.org_bot",
        "archiver",
    ),
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": (
        "facebookexternalhit",
        "social preview",
    ),
    "Mozilla/5.0 (compatible; AhrefsBot/5.0; +http://ahrefs.com/robot/)": ("AhrefsBot", "SEO tool"),
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": ("UptimeRobot", "monitor"),
    "python-requests/2.31.0": ("python-requests", "library"),
    CHROME.replace("Chrome/", "HeadlessChrome/"): ("HeadlessChrome", "headless browser"),
    "Mozilla/5.0 zgrab/0.x": ("zgrab", "security scanner"),
    "Xenu Link Sleuth/1.3.8": ("Xenu Link Sleuth", "SEO tool"),  # from the package's list
    "BrandNewThingBot/0.1": ("BrandNewThingBot", "other"),
    "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)": ("Ezooms", "other"),
    "distilator/0.1 (http://people.freebsd.org/~ehaupt/distilator/)": ("distilator", "other"),
    "Mozilla/5.0 (compatible; +mailto:jane@example.org)": (None, "other"),
    "jane@example.org": (None, "other"),
    "": (None, "other"),
    "-": (None, "other"),
}


def test_it_works() -> None:
    assert {agent: find_program(agent) for agent in KNOWN} == KNOWN


def test_a_browser_is_no_program() -> None:
    assert find_program(CHROME) is None
    assert find_program("Opera 9.6") is None


def test_every_category_is_known() -> None:
    assert {category for _, _, category in rows("robots")} <= {*CATEGORIES}
    assert {*OF_TAG.values()} <= {*CATEGORIES}


def test_each_line_of_the_list_is_reached() -> None:
    """A sign behind one that it contains would never count."""
    signs = [sign for sign, _, _ in rows("robots")]
    assert signs == [sign.lower() for sign in signs]
    hidden = [(later, sign) for n, sign in enumerate(signs) for later in signs[n + 1 :] if sign in later]
    assert hidden == []


def test_real_user_agents() -> None:
    """Nearly all programs of a real log have a name, and most a category."""
    agents = re.findall(r'"([^"]*)"\s*$', LOG.read_text(), re.MULTILINE)
    programs = [find_program(agent) for agent in agents if is_robot(agent) or not names_browser(agent)]
    named = [program for program in programs if program and program.name]
    sorted_ = [program for program in named if program.category != "other"]
    assert len(programs) > 2_000
    assert agents.count("-") + len(named) >= 0.97 * len(programs)
    assert len(sorted_) >= 0.9 * len(named)


@given(st.text(max_size=300))
def test_hostile_text(text: str) -> None:
    program = find_program(text)
    assert program is None or program.category in CATEGORIES
    if program and program.name:
        assert 0 < len(program.name) <= LONGEST_NAME
        assert "@" not in program.name


@pytest.mark.parametrize("agent", ["robot", "Mozilla/5.0 (compatible; robot)"])
def test_a_word_for_all_programs_is_no_name(agent: str) -> None:
    assert find_program(agent) == (None, "other")
