from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.ruleset import ReferralRule, plain_ruleset
from processing.pipeline.lookups.default_channels import CHANNELS
from processing.pipeline.steps.page import page
from processing.pipeline.steps.source import FACTS, source
from tests.support.raw_rows import RULES, SITE, ga4, line, ruled, stepped, stepped_through


def source_of(row: dict[str, Any]) -> tuple[str, ...]:
    found = source(stepped(page, row), RULES)
    return found.select(*FACTS).row(0)


def referred(referrer: str | None, **named: Any) -> tuple[str, ...]:
    return source_of(ga4(dr=referrer, **named))[:2]


def tagged(query: str, **named: Any) -> tuple[str, ...]:
    return source_of(ga4(dl=f"https://example.org/?{query}", **named))[:3]


DIRECT = ("(direct)", "(none)", "(direct)", "Direct")


def test_it_works() -> None:
    assert source_of(ga4()) == DIRECT
    assert source_of(ga4(dr="https://www.google.com/")) == ("google", "organic", "(organic)", "Organic Search")
    tags = "utm_source=news&utm_medium=email&utm_campaign=May"
    assert source_of(ga4(dl=f"https://example.org/?a=1&{tags}#x")) == ("news", "email", "May", "Email")
    assert source_of(ga4(dr="https://blog.example.net/a")) == (
        *("blog.example.net", "referral", "(referral)"),
        "Referral",
    )


@pytest.mark.parametrize(
    ("host", "name"),
    [
        *(("www.google.com", "google"), ("google.co.uk", "google"), ("www.google.com.br", "google")),
        *(("bing.com", "bing"), ("cn.bing.com", "bing"), ("uk.search.yahoo.com", "yahoo"), ("yandex.ru", "yandex")),
        *(("yandex.com.tr", "yandex"), ("duckduckgo.com", "duckduckgo"), ("www.baidu.com", "baidu")),
        *(("www.ecosia.org", "ecosia.org"), ("search.brave.com", "search.brave.com"), ("WWW.GOOGLE.DE:443", "google")),
    ],
)
def test_search_engines(host: str, name: str) -> None:
    assert referred(f"https://{host}/search?q=x") == (name, "organic")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        *(("images.google.com", "google"), ("images.google.co.uk", "google"), ("images.search.yahoo.com", "yahoo")),
        *(("image.baidu.com", "baidu"), ("images.yandex.ru", "yandex"), ("news.search.yahoo.com", "yahoo")),
        *(("image.search.yahoo.co.jp", "yahoo"), ("m.yandex.com", "yandex"), ("m.search.naver.com", "naver")),
        *(("html.duckduckgo.com", "duckduckgo"), ("lite.duckduckgo.com", "duckduckgo"), ("m.bing.com", "bing")),
        *(("uk.ask.com", "ask"), ("eu.startpage.com", "startpage.com"), ("r.search.yahoo.com", "yahoo")),
    ],
)
def test_further_search_hosts_of_the_engines(host: str, name: str) -> None:
    """One searches for pictures there, too."""
    assert source_of(ga4(dr=f"https://{host}/")) == (name, "organic", "(organic)", "Organic Search")


@pytest.mark.parametrize(
    "host",
    [
        *("mail.google.com", "docs.google.com", "notgoogle.com", "google.com.example.net", "mail.yahoo.com"),
        *("mail.yandex.ru", "disk.yandex.ru", "mail.yandex.com", "webmaster.yandex.ru", "translate.yandex.ru"),
        *("help.duckduckgo.com", "external-content.duckduckgo.com", "blogs.bing.com", "help.bing.microsoft.com"),
        *("rewards.bing.com", "ir.baidu.com", "pan.baidu.com", "mail.naver.com", "blog.ecosia.org", "help.qwant.com"),
        *("mail.rambler.ru", "support.startpage.com", "finance.yahoo.com", "login.yahoo.com", "mail.seznam.cz"),
        *("maps.google.de", "maps.google.com", "scholar.google.com", "accounts.google.com", "translate.kagi.com"),
        *("google.github.io", "yandex.github.io", "yahoo.blogspot.com", "images.google.com.example.net"),
    ],
)
def test_hosts_that_only_look_like_search_engines(host: str) -> None:
    assert referred(f"https://{host}/") == (host, "referral")


@pytest.mark.parametrize(
    "host", ["mail.yandex.ru", "help.duckduckgo.com", "maps.google.de", "mail.rambler.ru", "help.instagram.com"]
)
def test_what_an_engine_or_a_network_has_beside_itself_is_a_referral(host: str) -> None:
    assert source_of(ga4(dr=f"https://{host}/"))[3] == "Referral"


def test_news_are_no_search_but_googles_are_in_its_channel() -> None:
    """Google's own rules list the host of its news with the search sites."""
    found = source_of(ga4(dr="https://news.google.com/"))
    assert found == ("news.google.com", "referral", "(referral)", "Organic Search")


@pytest.mark.parametrize(
    "row",
    [
        ga4(dr="https://chatgpt.com/"),
        ga4(dr="https://www.perplexity.ai/search/x"),
        ga4(dl="https://example.org/?utm_source=chatgpt.com"),
        ga4(dl="https://example.org/?utm_source=Perplexity&utm_medium=referral", dr="https://blog.example.net/"),
        ga4(cs="copilot.com"),
        line(target="/?utm_source=openai", dr=None),
    ],
)
def test_assistants_are_a_channel_of_their_own(row: dict[str, Any]) -> None:
    assert source_of(row)[3] == "AI Assistant"


def test_the_source_of_a_referral_is_its_host_without_www() -> None:
    assert referred("https://www.blog.example.net/") == ("blog.example.net", "referral")
    assert source_of(ga4(dr="https://m.facebook.com/")) == (
        "m.facebook.com",
        "referral",
        "(referral)",
        "Organic Social",
    )
    assert referred("android-app://com.example.reader/") == ("com.example.reader", "referral")


@pytest.mark.parametrize(
    "referrer",
    [
        *("https://example.org/a", "https://www.example.org", "http://shop.example.org:8080/", "https://EXAMPLE.org./"),
        *(
            "https://page.example.net/x",
            "https://other.example.net/",
            None,
            "",
            "-",
            "rubbish",
            "/a",
            "https://",
            "https://?",
        ),
    ],
)
def test_own_sites_and_no_sites_are_direct(referrer: str | None) -> None:
    assert source_of(ga4(dl="https://page.example.net/", dr=referrer)) == DIRECT


def test_sites_under_a_public_suffix_are_strangers() -> None:
    assert referred("https://b.github.io/", dl="https://a.github.io/") == ("b.github.io", "referral")
    assert referred("https://b.co.uk/", dl="https://a.co.uk/") == ("b.co.uk", "referral")
    assert referred("https://www.a.co.uk/", dl="https://a.co.uk/") == ("(direct)", "(none)")


def test_a_referrer_to_be_ignored_is_ignored() -> None:
    assert referred("https://blog.example.net/", ir="1") == ("(direct)", "(none)")
    assert referred("https://blog.example.net/", ir="0") == ("blog.example.net", "referral")


@pytest.mark.parametrize(
    "address",
    [
        *("?UTM_SOURCE=letter&UTM_MEDIUM=email", "?Utm_Source=letter&Utm_Medium=email", "?a=1&amp;utm_source=letter"),
        *("#utm_source=letter", "#/signup?utm_source=letter", "#!/a&UTM_Source=letter", "?b=2#top?utm_source=letter"),
        *("?utm%5Fsource=letter", "?utm%5fsource=l%65tter", "?amp;utm_source=letter"),
    ],
)
def test_tags_in_any_spelling_and_place(address: str) -> None:
    assert source_of(ga4(dl=f"https://example.org/{address}"))[0] == "letter"
    assert source_of(ga4(dp=f"/{address}"))[0] == "letter"


def test_click_ids_in_any_spelling() -> None:
    assert tagged("GCLID=x")[:2] == ("google", "cpc")
    assert tagged("FbClid=x")[0] == "facebook.com"
    assert tagged("sccid=x")[0] == tagged("ScCid=x")[0] == "snapchat.com"


def test_a_host_in_unicode_and_in_punycode_is_one_source() -> None:
    for host in ("bücher.example", "xn--bcher-kva.example", "BÜCHER.example"):
        assert referred(f"https://{host}/")[0] == "bücher.example"
    own = msgspec.structs.replace(SITE, domains=("xn--bcher-kva.example",))
    found = source(stepped(page, ga4(dr="https://www.bücher.example/")), plain_ruleset(own))
    assert found["source"].item() == "(direct)"


@pytest.mark.parametrize("domain", ["xn--bcher-kva.example", "Bücher.example", "https://BÜCHER.example/pay"])
def test_a_rule_takes_a_domain_in_any_spelling(domain: str) -> None:
    rules = ruled(ReferralRule(name="Pay", domains=(domain,)))
    for host in ("bücher.example", "www.xn--bcher-kva.example"):
        found = stepped_through(rules, ga4(dr=f"https://{host}/"), until="source")
        assert found["source"].item() == "(direct)"


def test_tags_win_over_the_referrer() -> None:
    assert tagged("utm_source=a&utm_medium=b&utm_campaign=c", dr="https://www.google.com/") == ("a", "b", "c")


def test_tags_that_are_missing_are_not_set() -> None:
    assert tagged("utm_source=a") == ("a", "(not set)", "(not set)")
    assert tagged("utm_campaign=c") == ("(not set)", "(not set)", "c")
    assert tagged("utm_source=&x=utm_source") == DIRECT[:3]


def test_tags_are_decoded_once_and_the_first_counts() -> None:
    assert tagged("utm_source=a%20b%2526&utm_source=z&utm_medium=m+n") == ("a b%26", "m n", "(not set)")


def test_parameters_of_the_hit_win_over_tags() -> None:
    assert tagged("utm_source=a&utm_medium=b&utm_campaign=c", cs="x", cn="z") == ("x", "b", "z")
    assert source_of(ga4(cs="x", cm="cpc")) == ("x", "cpc", "(not set)", "Paid Other")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        *(("gclid", ("google", "cpc")), ("dclid", ("google", "cpc")), ("gbraid", ("google", "cpc"))),
        *(("wbraid", ("google", "cpc")), ("msclkid", ("bing", "cpc"))),
    ],
)
def test_click_ids_of_advertisements(parameter: str, expected: tuple[str, str]) -> None:
    assert tagged(f"{parameter}=abc", dr="https://www.google.com/") == (*expected, "(not set)")
    assert tagged(f"{parameter}=") == DIRECT[:3]


def test_click_ids_as_parameters_of_the_hit() -> None:
    assert source_of(ga4(gclid="abc")) == ("google", "cpc", "(not set)", "Paid Search")
    assert source_of(ga4(dclid="abc"))[:2] == ("google", "cpc")


def test_a_click_id_fills_what_the_tags_leave_open() -> None:
    assert tagged("gclid=abc&utm_campaign=May") == ("google", "cpc", "May")
    assert tagged("gclid=abc&utm_source=adwords&utm_medium=ppc") == ("adwords", "ppc", "(not set)")


def test_a_mark_of_ordinary_links_counts_only_alone() -> None:
    assert tagged("fbclid=abc") == ("facebook.com", "referral", "(referral)")
    assert tagged("fbclid=abc", dr="https://l.instagram.com/")[0] == "l.instagram.com"
    assert tagged("fbclid=abc", dr="https://example.org/")[0] == "facebook.com"
    assert tagged("fbclid=abc&utm_source=a") == ("a", "(not set)", "(not set)")


def test_a_line_of_a_log_has_a_source_too() -> None:
    assert source_of(line(target="/?utm_source=a", dr=None))[0] == "a"
    assert source_of(line(dr="http://blog.example.net/x"))[0] == "blog.example.net"
    assert source_of(line(dr="http://www.example.org/x")) == DIRECT


def test_long_text_is_cut() -> None:
    assert len(tagged(f"utm_source={'a' * 1000}")[0]) == 255
    assert len(source_of(ga4(cs="a" * 100_000))[0]) == 255


TEXT = st.none() | st.text(st.sampled_from("a.:/?#@[]&=%\n\0é"), max_size=20) | st.text(max_size=40)


@settings(deadline=None)
@given(TEXT, TEXT, TEXT, TEXT)
def test_any_text_gives_a_source(query: str | None, referrer: str | None, cs: str | None, host: str | None) -> None:
    address = f"https://example.org/?utm_source={query}&gclid={query}"
    for dr in (referrer, f"https://{referrer}"):
        *names, channel = source_of(ga4(dl=address, dr=dr, cs=cs, dh=host))
        assert all(names)
        assert channel in CHANNELS


PAY = ReferralRule(name="Pay", domains=("pay.example.net", "www.shop.example"))


@pytest.mark.parametrize(
    ("referrer", "excluded"),
    [
        *(("https://pay.example.net/x", True), ("https://Secure.pay.example.net:443/", True)),
        *(("https://www.shop.example/", True), ("https://shop.example/", False)),
        *(("https://example.net/", False), ("https://xpay.example.net/", False)),
    ],
)
def test_excluded_referrers_are_no_source(referrer: str, excluded: bool) -> None:
    found = stepped_through(ruled(PAY), ga4(dr=referrer), until="source").select(*FACTS).row(0)
    assert (found == DIRECT) is excluded


def test_tags_count_beside_an_excluded_referrer_and_rules_that_are_off_do_not() -> None:
    row = ga4(dr="https://pay.example.net/", cs="news")
    assert stepped_through(ruled(PAY), row, until="source")["source"].item() == "news"
    off = ReferralRule(name="Pay", domains=("pay.example.net",), state="off")
    found = stepped_through(ruled(off), ga4(dr="https://pay.example.net/"), until="source")
    assert found["source"].item() == "pay.example.net"
