from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ua_parser.regex import Resolver

from processing.pipeline.lookups.user_agents import _parser
from processing.pipeline.steps.device import FACTS, device
from tests.support.raw_rows import CHROME, ga4, stepped

MOZILLA = "Mozilla/5.0 "
WEBKIT = " AppleWebKit/537.36 (KHTML, like Gecko) "
APPLE = " AppleWebKit/605.1.15 (KHTML, like Gecko) "
IPHONE = MOZILLA + "(iPhone; CPU iPhone OS 17_5 like Mac OS X)" + APPLE
ANDROID = MOZILLA + "(Linux; Android 10; K)" + WEBKIT

AGENTS = [
    (CHROME, ("desktop", "Chrome", "Windows")),
    (CHROME + " Edg/126.0.0.0", ("desktop", "Edge", "Windows")),
    (CHROME + " OPR/110.0.0.0", ("desktop", "Opera", "Windows")),
    (CHROME + " YaBrowser/24.4.0.0", ("desktop", "YaBrowser", "Windows")),
    (MOZILLA + "(Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", ("desktop", "Internet Explorer", "Windows")),
    (
        MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7)" + APPLE + "Version/17.5 Safari/605.1.15",
        ("desktop", "Safari", "Macintosh"),
    ),
    (IPHONE + "Version/17.5 Mobile/15E148 Safari/604.1", ("mobile", "Safari", "iOS")),
    (IPHONE + "CriOS/126.0 Mobile/15E148 Safari/604.1", ("mobile", "Chrome", "iOS")),
    (IPHONE + "FxiOS/127.0 Mobile/15E148 Safari/605.1.15", ("mobile", "Firefox", "iOS")),
    (IPHONE.replace("iPhone", "iPad", 1) + "Version/16.6 Mobile/15E148 Safari/604.1", ("tablet", "Safari", "iOS")),
    (ANDROID + "Chrome/126.0.0.0 Mobile Safari/537.36", ("mobile", "Chrome", "Android")),
    (ANDROID + "Chrome/126.0.0.0 Safari/537.36", ("tablet", "Chrome", "Android")),
    (ANDROID + "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36", ("mobile", "Samsung Internet", "Android")),
    (
        ANDROID.replace("K)", "K; wv)") + "Version/4.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        ("mobile", "Android Webview", "Android"),
    ),
    (MOZILLA + "(Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", ("mobile", "Firefox", "Android")),
    (MOZILLA + "(X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", ("desktop", "Firefox", "Linux")),
    (
        MOZILLA + "(X11; CrOS x86_64 14541.0.0)" + WEBKIT + "Chrome/126.0.0.0 Safari/537.36",
        ("desktop", "Chrome", "Chrome OS"),
    ),
    (
        MOZILLA + "(Web0S; Linux/SmartTV)" + WEBKIT + "Chrome/79.0.3945.79 Safari/537.36 WebAppManager",
        ("smart tv", "Chrome", "webOS"),
    ),
    ("", ("desktop", None, None)),
    ("rubbish", ("desktop", None, None)),
]


def device_of(**named: Any) -> tuple[str | None, ...]:
    return stepped(device, ga4(**named)).select(*FACTS).row(0)


def test_it_works() -> None:
    assert device_of(user_agent=CHROME) == ("desktop", "Chrome", "Windows")


@pytest.mark.parametrize(("agent", "expected"), AGENTS)
def test_user_agents(agent: str, expected: tuple[str | None, ...]) -> None:
    assert device_of(user_agent=agent) == expected


def test_many_rows_and_few_agree() -> None:
    rows = [ga4(at, user_agent=agent) for at, (agent, _) in enumerate(AGENTS * 20)]
    assert stepped(device, *rows).select(*FACTS).rows() == [expected for _, expected in AGENTS * 20]


BRANDS = "Not%2FA)Brand;8.0.0.0|Chromium;126.0.6478.127|"


@pytest.mark.parametrize(
    ("brand", "browser"),
    [
        ("Google%20Chrome;126.0", "Chrome"),
        ("Microsoft%20Edge;126.0", "Edge"),
        ("Brave;126", "Brave"),
        ("Opera;110", "Opera"),
        ("Whatever;1", "Chrome"),
    ],
)
def test_brands_win_over_the_user_agent(brand: str, browser: str) -> None:
    assert device_of(uafvl=BRANDS + brand)[1] == browser


def test_hints_win_over_the_user_agent() -> None:
    assert device_of(uap="macOS")[2] == "Macintosh"
    assert device_of(uap="Unheard of")[2] == "Windows"
    assert device_of(uamb="1")[0] == "mobile"
    assert device_of(uamb="0", uap="Android", user_agent=ANDROID)[0] == "tablet"
    assert device_of(uam="Pixel Tablet", uamb="0")[0] == "tablet"


def test_the_quick_resolver_is_in_use() -> None:
    assert isinstance(_parser().resolver, Resolver)
    assert Resolver.__module__ == "ua_parser.regex"


TEXT = st.none() | st.text(max_size=60) | st.text(st.sampled_from("|;%2F Chromeé\0"), max_size=60)


@settings(deadline=None)
@given(TEXT, TEXT, TEXT, TEXT, TEXT)
def test_any_text_gives_a_device(
    agent: str | None, mobile: str | None, model: str | None, platform: str | None, brands: str | None
) -> None:
    found = device_of(user_agent=agent, uamb=mobile, uam=model, uap=platform, uafvl=brands)
    assert found[0] in {"desktop", "mobile", "tablet", "smart tv"}
    assert "" not in found
