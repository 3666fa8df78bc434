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


# All names of browsers, some without an engine's; and programs that name neither.
BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 Firefox/130.0",
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows Phone OS 7.0; Trident/3.1; IEMobile/7.0; HTC)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/450.0;FBDV/iPhone14,5]",
    "Mozilla/5.0 (Linux; Android 10; K; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/121.0.0.0 "
    "Mobile Safari/537.36 Instagram 300.0.0.0 Android",
    "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
    "Opera/8.54 (Windows NT 5.1; U; en)",
    "Opera 9.6",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Opera/9.30 (Nintendo Wii; U; ; 3642; en)",
    "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.12",
    "w3m/0.5.3+git20210102",
    "Links (2.21; Linux 5.4 x86_64; GNU C 9.3; text)",
    "ELinks/0.13.1 (textmode; Linux; 80x24-2)",
    "ELinks (0.4.3; NetBSD 3.0.2_PATCH sparc64; 141x19)",
    "Dillo/3.0.5",
    "NetSurf/3.10 (Linux)",
    "Mozilla/5.0 (X11; Linux) NetSurf/3.10",
    "Mozilla/5.0 (compatible; Konqueror/4.5; FreeBSD) KHTML/4.5.4 (like Gecko)",
    "Mozilla/5.0 (Windows NT 6.1; rv:60.9) Goanna/4.1 PaleMoon/28.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Servo/1.0 Firefox/111.0",
    "Mozilla/5.0 (Linux; x86_64) Ladybird/1.0",
    "Mozilla/4.08 [en] (Win98; I ;Nav)",
    "Mozilla/4.76 [en] (X11; U; Linux 2.4.2 i686)",
    "Mozilla/3.01 (Macintosh; I; PPC)",
    "Mozilla/3.04Gold (Win95; U)",
    "NCSA_Mosaic/2.7b5 (X11;SunOS 5.4 sun4m)",
    "iCab/2.9.8 (Macintosh; U; 68K)",
    "Amaya/9.1 libwww/5.4.0",
    "URL/Emacs Emacs/28.2 (X11; x86_64-pc-linux-gnu)",
    "Nokia6230/2.0 (04.44) Profile/MIDP-2.0 Configuration/CLDC-1.1",
    "BlackBerry9000/4.6.0.167 Profile/MIDP-2.0 Configuration/CLDC-1.1 VendorID/102",
    "UCWEB/2.0 (Java; U; MIDP-2.0; en-US; nokia5130c-2) U2/1.0.0 UCBrowser/9.4.1.377",
    "DoCoMo/2.0 P900i(c100;TB;W24H11)",
    "KDDI-CA33 UP.Browser/6.2.0.10.4 (GUI) MMP/2.0",
    "SAMSUNG-GT-E2232/1.0 Openwave/6.2.3 Profile/MIDP-2.0",
    "MAXX_MAUI WAP Browser",
    "Mozilla/5.0 (PLAYSTATION 3; 2.00)",
    "Mozilla/4.0 (PSP (PlayStation Portable); 2.60)",
    "Mozilla/5.0 (Nintendo 3DS; U; ; en) Version/1.7412.EU",
    "Mozilla/3.0 (Planetweb/2.606 JS SSL US; Dreamcast US)",
    "Mozilla/4.0 (compatible; Linux 2.6.10) NetFront/3.4 Kindle/1.0 (screen 600x800)",
    "Mozilla/5.0 (Linux; U; Android 2.0; en-us;) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 (Kobo Touch)",
    "HbbTV/1.1.1 (;Panasonic;VIERA 2012;1.261;0071-3103 2000-0000;)",
]
NO_BROWSERS = [
    "Reeder/4020.89.01 CFNetwork/1237 Darwin/20.4.0",
    "MobileSafari/604.1 CFNetwork/1240.0.4 Darwin/20.6.0",
    "Safari/14610.4.3.1.7 CFNetwork/978.0.7 Darwin/18.7.0 (x86_64)",
    "Newsboat/2.34.0 (Linux x86_64)",
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "FreshRSS/1.24.1 (Linux; https://freshrss.org)",
    "Akregator/5.2; syndication",
    "Liferea/1.14.0 (Linux; https://lzone.de/liferea/) AppleWebKit (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.21 (KHTML, like Gecko) QuiteRSS/0.18.9 Safari/537.21",
    "Windows-RSS-Platform/2.0 (MSIE 9.0; Windows NT 6.1)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Thunderbird/102.4.0",
    "loader.io;8521b6348e76580727",
    "Zend_Http_Client",
    "HTTP_Request2/2.1.1 (http://pear.php.net/package/http_request2) PHP/5.3.2",
    "proxmox-api (https://github.com/UrielCh/proxmox-api)",
    "Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F Build/PPR1)",
    "Instagram 3.0.4 Android (8/2.2.1; 240dpi; 480x800; HTC)",
    "WhatsApp/2.23.20.0 A",
    "Mozilla/4.0",
    "Mozilla/5.0",
    "Mozilla/4.0 (compatible;)",
    "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)",
    "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.17763.1432",
    "Mozilla/4.0 (Windows 7 6.1) Java/1.7.0_45",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0; Microsoft Outlook 14.0.7162; ms-office)",
    "Microsoft-CryptoAPI/10.0",
    "AppleCoreMedia/1.0.0.20G81 (iPhone; U; CPU OS 16_6 like Mac OS X; en_us)",
    "VLC/3.0.8 LibVLC/3.0.8",
    "Roku/DVP-9.10 (289.10E04111A)",
    "Tiny Tiny RSS/23.05 (https://tt-rss.org/)",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "aria2/1.36.0",
    "rest-client/2.1.0 (linux x86_64) ruby/3.0.2p107",
    "Deno/1.40.2",
    "Bun/1.1.3",
    "GuzzleHttp/7",
    "Symfony HttpClient (Curl)",
    "reqwest/0.11",
    "git/2.39.2",
    "Debian APT-HTTP/1.3 (2.6.1)",
    "Chrome Privacy Preserving Prefetch Proxy",
    "rubbish",
    "&as_qdr=all",
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


@pytest.mark.parametrize("agent", [*PEOPLE, *BROWSERS])
def test_browsers_in_an_access_log(agent: str) -> None:
    assert reasons(bots, line(user_agent=agent)) == [None]


@pytest.mark.parametrize("agent", [*PROGRAMS, *NO_BROWSERS])
def test_what_names_no_browser_in_an_access_log_is_a_program(agent: str) -> None:
    assert reasons(bots, line(user_agent=agent)) == ["bot"]


def test_a_hit_of_a_tracker_need_not_name_a_browser() -> None:
    """A server or an app may send hits for its users."""
    agents = ["OurShop/3.1 (iOS 17)", "rubbish"]
    assert reasons(bots, *(ga4(at, user_agent=agent) for at, agent in enumerate(agents))) == [None, None]


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


def test_a_rule_allows_what_names_no_browser() -> None:
    reader = BotRule(name="Our reader", action="allow", user_agent="OurReader")
    rows = [line(number, user_agent=agent) for number, agent in enumerate(("OurReader/2", "OtherReader/2"))]
    found = stepped_through(ruled(reader), *rows, until="bots")
    assert found.select("reason", "rule").rows() == [(None, None), ("bot", None)]
    assert reasons_without_lists("OtherReader/2") == [None]


def reasons_without_lists(agent: str) -> list[str | None]:
    return stepped_through(ruled(bot_lists=False), line(user_agent=agent), until="bots")["reason"].to_list()


def test_rules_that_are_off_or_tested_change_nothing() -> None:
    rules = [msgspec.structs.replace(rule, state=state) for rule in (CURL, SPY) for state in ("off", "testing")]
    assert refused(ruled(*rules), "curl/8.5", "Spy/1") == [("bot", None), (None, None)]
