from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ua_parser.regex import Resolver

from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.user_agents import _parser, parse_user_agent
from processing.pipeline.steps.device import BROWSERS, DETAILS, FACTS, device
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


ANDROID_10 = MOZILLA + "(Linux; Android 10; K)" + WEBKIT
CHROMIUM = "Chrome/121.0.6167.178 "
# Browsers that send hints, by their brand: the agents that they send where they send no hints.
AGENTS_BY_BRAND = {
    "Microsoft Edge": [CHROME + " Edg/126.0.0.0", ANDROID_10 + CHROMIUM + "Mobile Safari/537.36 EdgA/121.0.2277.138"],
    "Microsoft Edge WebView2": [CHROME + " Edg/126.0.0.0"],
    "Opera": [CHROME + " OPR/110.0.0.0"],
    "Opera GX": [CHROME + " OPR/110.0.0.0", ANDROID_10 + CHROMIUM + "Mobile Safari/537.36 OPX/2.1"],
    "Opera Air": [CHROME + " OPR/117.0.0.0"],
    "OperaMobile": [ANDROID_10 + CHROMIUM + "Mobile Safari/537.36 OPR/80.3.4244.77610"],
    "Opera Mini": [
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        ANDROID_10.replace("K)", "K; wv)") + "Version/4.0 " + CHROMIUM + "Mobile Safari/537.36 OPR/80.0.2254.71407",
        IPHONE + "OPiOS/16.0.15 Mobile/15E148 Safari/9537.53",
    ],
    "Samsung Internet": [
        ANDROID_10 + f"SamsungBrowser/25.0 {CHROMIUM}Mobile Safari/537.36",
        ANDROID_10 + f"SamsungBrowser/25.0 {CHROMIUM}Safari/537.36",
    ],
    "YaBrowser": [CHROME + " YaBrowser/24.4.0.0 Yowser/2.5"],
    "Yandex": [
        ANDROID_10 + CHROMIUM + "YaBrowser/24.1.7.93.00 SA/3 Mobile Safari/537.36",
        IPHONE + "Version/17.0 YaBrowser/24.4.3.373.10 Mobile/15E148 Safari/604.1",
    ],
    "Brave": [IPHONE + "Version/17.5 Brave/1 Mobile/15E148 Safari/604.1"],
    "Vivaldi": [CHROME + " Vivaldi/6.5", ANDROID_10 + CHROMIUM + "Mobile Safari/537.36 Vivaldi/6.5"],
    "Whale": [
        MOZILLA + "(Windows NT 10.0; Win64; x64)" + WEBKIT + CHROMIUM + "Whale/3.26.244.21 Safari/537.36",
        ANDROID_10 + "Whale/1.0.0.0 Crosswalk/28.120.0.11 " + CHROMIUM + "Mobile Safari/537.36",
    ],
    "DuckDuckGo": [
        MOZILLA + "(Linux; Android 8.1.0)" + WEBKIT + "Version/4.0 " + CHROMIUM + "Mobile DuckDuckGo/5 Safari/537.36",
        MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7)" + APPLE + "Version/17.4 Safari/605.1.15 Ddg/17.4",
        IPHONE + "Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        CHROME + " Edg/126.0.0.0 Ddg/126.0.0.0",
    ],
    "HuaweiBrowser": [ANDROID_10 + CHROMIUM + "HuaweiBrowser/12.0.4.300 Mobile Safari/537.36"],
    "MiuiBrowser": [ANDROID_10 + "Version/4.0 " + CHROMIUM + "Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.9.0-gn"],
    "UCBrowser": [ANDROID_10 + "Version/4.0 " + CHROMIUM + "UCBrowser/13.4.0.1306 Mobile Safari/537.36"],
    "Silk": [MOZILLA + "(Linux; Android 9; KFMAWI)" + WEBKIT + "Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36"],
    "Amazon Silk": [MOZILLA + "(X11; Linux x86_64)" + WEBKIT + "Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36"],
    "Avast Secure Browser": [CHROME + " Avast/126.0.0.0"],
    "AVG Secure Browser": [CHROME + " AVG/126.0.0.0"],
    "Avira Secure Browser": [CHROME + " Avira/126.0.0.0"],
    "Norton Secure Browser": [CHROME + " Norton/126.0.0.0"],
    "Norton Private Browser": [CHROME + " Norton/126.0.0.0"],
    "CCleaner Browser": [CHROME + " CCleaner/126.0.0.0"],
    "CocCoc": [MOZILLA + "(Windows NT 10.0)" + WEBKIT + "CocCocBrowser/125.0.0 " + CHROMIUM + "Safari/537.36"],
    "Coc Coc": [MOZILLA + "(Windows NT 6.1)" + WEBKIT + "coc_coc_browser/101.0.200 " + CHROMIUM + "Safari/537.36"],
    "Ecosia": [
        ANDROID_10 + CHROMIUM + "Mobile Safari/537.36 (Ecosia android@101.0.4951.41)",
        IPHONE + "FxiOS/10.0 Mobile/15E148 Safari/605.1.15 (Ecosia ios@10.0.1.1234)",
    ],
    "HeyTapBrowser": [ANDROID_10 + "Version/4.0 " + CHROMIUM + "Mobile Safari/537.36 HeyTapBrowser/45.10.1.1"],
    "VivoBrowser": [ANDROID_10 + CHROMIUM + "VivoBrowser/12.1.0.0 Mobile Safari/537.36"],
    "QQBrowser": [
        CHROME + " QBCore/4.0.1326.400 QQBrowser/12.0.5301.400",
        ANDROID_10 + "Version/4.0 " + CHROMIUM + "MQQBrowser/14.0 Mobile Safari/537.36 COVC/046915",
    ],
    "Oculus Browser": [
        MOZILLA + "(X11; Linux x86_64; Quest 3)" + WEBKIT + f"OculusBrowser/33.0.0 {CHROMIUM}VR Safari/537.36"
    ],
    "Android WebView": [
        ANDROID_10.replace("K)", "K; wv)") + "Version/4.0 " + CHROMIUM + "Mobile Safari/537.36",
        ANDROID_10 + "Version/4.0 " + CHROMIUM + "Mobile Safari/537.36",
    ],
    "HeadlessChrome": [CHROME.replace("Chrome/", "HeadlessChrome/")],
    "Google Chrome": [CHROME, ANDROID_10 + CHROMIUM + "Mobile Safari/537.36", ANDROID_10 + CHROMIUM + "Safari/537.36"],
    "Chromium": [
        MOZILLA + "(X11; Linux x86_64)" + WEBKIT + "Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36",
        MOZILLA + "(X11; Linux x86_64)" + WEBKIT + f"App/1.2.3 {CHROMIUM}Safari/537.36",
    ],
}  # fmt: skip


def names_of_brands() -> dict[str, str]:
    return {name: browser for kind, name, browser in rows("browsers") if kind in {"brand", "common brand"}}


def test_every_brand_has_an_agent() -> None:
    assert set(AGENTS_BY_BRAND) == set(names_of_brands())


@pytest.mark.parametrize(
    ("brand", "agent"), [(brand, agent) for brand, agents in AGENTS_BY_BRAND.items() for agent in agents]
)
def test_a_browser_has_one_name_with_hints_and_without(brand: str, agent: str) -> None:
    """ua-parser names many of them differently on telephones, or takes them for Chrome, Safari or Android."""
    name = names_of_brands()[brand]
    assert device_of(user_agent=agent)[1] == name
    assert device_of(user_agent=agent, uafvl=f"Chromium;126.0.6478.127|{quote(brand)};126.0|Not%2FA)Brand;8")[1] == name
    family = parse_user_agent(agent).browser
    taken_for = {"Chrome", "Safari", "Firefox", "Android Browser", "Edge", "Opera", "Crosswalk"}
    assert BROWSERS.get(family, family) in {name, *taken_for}


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (ANDROID_10 + f"Version/4.0 {CHROMIUM}Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/450.0;]", "Facebook"),
        (CHROME + " SE 2.X MetaSr 1.0", "Sogou Explorer"),
        (MOZILLA + "(X11; Linux x86_64)" + WEBKIT + f"App/1.2.3 {CHROMIUM}Electron/28.2.0 Safari/537.36", "Electron"),
        (CHROME, "Chrome"),
        (MOZILLA + "(Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Chrome"),
    ],
)  # fmt: skip
def test_an_agent_that_names_a_browser_says_more_than_a_common_brand(agent: str, name: str) -> None:
    brands = "Not_A%20Brand;8|Chromium;121.0.6167.178"
    assert device_of(user_agent=agent, uafvl=brands)[1] == name
    assert device_of(user_agent=agent, uafvl=brands + "|Opera;110")[1] == "Opera"


TELEVISIONS = [
    MOZILLA + "(Linux; Android 10; Chromecast Build/QTS2.200918.0337; wv)" + WEBKIT + CHROMIUM + "Mobile Safari/537.36",
    MOZILLA + "(Linux; Android 11; Arcelik Android UHD TV Build/RTM9; wv)" + WEBKIT + CHROMIUM + "Mobile Safari/537.36",
    *(
        MOZILLA + f"(Linux; Android 9; {model} Build/PTT1; wv){WEBKIT}Version/4.0 {CHROMIUM}{mobile}Safari/537.36"
        for mobile in ("", "Mobile ")
        for model in (
            *(
                "BRAVIA 4K UR3",
                "MiTV-AYFR0",
                "MIBOX4",
                "Smart TV Pro",
                "SHIELD Android TV",
                "AFTMM",
                "AFTKA",
                "AFTEU014",
            ),
            *("Google TV Streamer", "Nexus Player", "ADT-3", "TPM191E", "Hisense VIDAA TV", "UHD Google TV", "TV BOX"),
            *("AndroidTV", "onn. 4K Streaming Box", "QM163E", "X96mini", "Vestel Smart TV", "TVBOX", "Xiaomi TV Stick"),
        )
    ),
    MOZILLA + "(CrKey armv7l 1.5.16041)" + WEBKIT + "Chrome/31.0.1650.0 Safari/537.36",
    MOZILLA + "(Linux; Android 7.1.2; AFTN Build/NS6265; wv)" + WEBKIT + "Silk/70.1 like Chrome/70 Safari/537.36",
    MOZILLA + "(Linux; Tizen 2.3; SmartHub; SMART-TV; SmartTV; U; Maple2012)" + WEBKIT + "Safari/537.36",
    MOZILLA + "(Web0S; Linux/SmartTV)" + WEBKIT + "Chrome/94.0.4606.128 Safari/537.36 DMOST/2.0.0 (; LGE; webOSTV)",
    "HbbTV/1.1.1 (;Panasonic;VIERA 2012;1.261;0071-3103 2000-0000;)",
    "Opera/9.80 (Linux mips; U; HbbTV/1.1.1 (; Philips; ; ; ; ) CE-HTML/1.0 NETTV/3.2.1; en) Presto/2.6.33",
    MOZILLA + "(X11; Linux armv7l)" + WEBKIT + "Chrome/79.0 Safari/537.36 CrKey/1.56.500000",
    MOZILLA + "(AppleTV; U; CPU OS 11_2 like Mac OS X; en_us)" + APPLE + "Version/11.0",
    MOZILLA + "(Linux; U; Linux; VIDAA 6.0)" + WEBKIT + "Chrome/88.0 Safari/537.36 Hisense",
    MOZILLA + "(X11; Linux x86_64)" + WEBKIT + "Chrome/88.0 Safari/537.36 VIZIO SmartCast(Conjure/SX7)",
]
NO_TELEVISIONS = [
    (MOZILLA + "(Windows NT 6.1; Trident/7.0; SLCC2; .NET4.0E; Tablet PC 2.0; rv:11.0) like Gecko", "desktop"),
    ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; Tablet PC 2.0; MS-RTC LM 8)", "desktop"),
    ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; Tablet PC 1.7; .NET CLR 1.0.3705)", "desktop"),
    (MOZILLA + "(Windows NT 10.0; WOW64; Trident/7.0; Touch; TabletPC 2.0; rv:11.0) like Gecko", "desktop"),
    (MOZILLA + "(Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "tablet"),
    (MOZILLA + "(Linux; Android 5.1; Tablet PC Build/LMY47I)" + WEBKIT + "Chrome/39.0 Safari/537.36", "tablet"),
    (MOZILLA + "(hp-tablet; Linux; hpwOS/3.0.5; U; en-US)" + WEBKIT + "wOSBrowser/234 TouchPad/1.0", "tablet"),
    (MOZILLA + "(Linux; Android 7.0; SHIELD Tablet K1 Build/NRD90M)" + WEBKIT + "Chrome/70.0 Safari/537.36", "tablet"),
    (MOZILLA + "(Linux; Android 6.0; Letv X501 Build/DBXCNOP)" + WEBKIT + "Chrome/70.0 Mobile Safari/537.36", "mobile"),
    (MOZILLA + "(Linux; Android 6.0; LG-K430TV Build/MRA58K)" + WEBKIT + "Chrome/70.0 Mobile Safari/537.36", "mobile"),
    (MOZILLA + "(Linux; Android 5.0; XT1069 DTV Build/LXB22)" + WEBKIT + "Chrome/70.0 Mobile Safari/537.36", "mobile"),
    (ANDROID + "Chrome/126.0.0.0 Mobile Safari/537.36 after/1.0", "mobile"),
    ("Nokia6230/2.0 (04.44) Profile/MIDP-2.0 Configuration/CLDC-1.1", "mobile"),
    ("DoCoMo/2.0 P900i(c100;TB;W24H11)", "mobile"),
]  # fmt: skip


@pytest.mark.parametrize("agent", TELEVISIONS)
def test_televisions_sticks_and_boxes(agent: str) -> None:
    assert device_of(user_agent=agent)[0] == "smart tv"


@pytest.mark.parametrize(("agent", "category"), NO_TELEVISIONS)
def test_what_only_looks_like_a_television_or_a_tablet(agent: str, category: str) -> None:
    assert device_of(user_agent=agent)[0] == category


@pytest.mark.parametrize("model", ["Chromecast", "BRAVIA 4K VH2", "AFTSSS", "Smart TV Pro", "MiTV-MSSP1"])
def test_the_model_of_the_hints_tells_a_television(model: str) -> None:
    assert device_of(user_agent=ANDROID + "Chrome/126.0.0.0 Mobile Safari/537.36", uam=model, uamb="1")[0] == "smart tv"


def test_the_platform_linux_hides_no_system_that_is_built_on_it() -> None:
    agent = MOZILLA + "(Web0S; Linux/SmartTV)" + WEBKIT + "Chrome/94.0.4606.128 Safari/537.36"
    assert device_of(user_agent=agent)[2] == device_of(user_agent=agent, uap="Linux")[2] == "webOS"


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


def details_of(**named: Any) -> tuple[str | None, ...]:
    return stepped(device, ga4(**named)).select(*DETAILS).row(0)


@pytest.mark.parametrize(
    ("agent", "browser_version", "system_version"),
    [
        (CHROME, "126.0.0.0", "10"),
        (CHROME + " Edg/126.0.2592.87", "126.0.2592.87", "10"),
        (CHROME + " OPR/110.0.0.0", "110.0.0", "10"),
        (CHROME + " YaBrowser/24.4.0.0 Yowser/2.5", "24.4.0.0", "10"),
        (MOZILLA + "(Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "11.0", "7"),
        (MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7)" + APPLE + "Version/17.5 Safari/605.1.15", "17.5", "10.15.7"),
        (IPHONE + "Version/17.5 Mobile/15E148 Safari/604.1", "17.5", "17.5"),
        (IPHONE + "CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1", "126.0.6478.35", "17.5"),
        (ANDROID + "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36", "25.0", "10"),
        (ANDROID.replace("K)", "K; wv)") + "Version/4.0 Chrome/121.0.0.0 Mobile Safari/537.36", "121.0.0.0", "10"),
        (MOZILLA + "(X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "127.0", None),
        (AGENTS_BY_BRAND["Opera Mini"][1], "80.0.2254.71407", "10"),
        ("rubbish", None, None),
        ("", None, None),
    ],
)
def test_versions_of_user_agents(agent: str, browser_version: str | None, system_version: str | None) -> None:
    assert details_of(user_agent=agent)[:2] == (browser_version, system_version)


def test_versions_of_hints_win_over_the_user_agent() -> None:
    assert details_of(uafvl=BRANDS + "Google%20Chrome;126.0.6478.127")[0] == "126.0.6478.127"
    assert details_of(uafvl=BRANDS + "Microsoft%20Edge;126.0.2592.87")[0] == "126.0.2592.87"
    assert details_of(uap="Windows", uapv="15.0.0")[1] == "11"
    assert details_of(uap="macOS", uapv="14.5.0")[1] == "14.5"
    on_phone = {"uap": "Android", "uapv": "14.0.0", "uam": "Pixel 7", "user_agent": ANDROID}
    assert details_of(**on_phone)[1:] == ("14", "Google", "Pixel 7")


def test_a_hint_that_is_no_version_says_nothing() -> None:
    assert details_of(uafvl="Google%20Chrome;<b>")[0] == "126.0.0.0"
    assert details_of(uafvl="Google%20Chrome")[0] == "126.0.0.0"
    assert details_of(uap="Windows", uapv="eleven")[1] == "10"
    assert details_of(uap="macOS")[1] is None
    assert details_of(uap="Unheard of", uapv="99")[1] == "10"


@given(*(st.none() | st.text(max_size=30) for _ in range(5)))
def test_any_hints(
    agent: str | None, platform: str | None, version: str | None, brands: str | None, model: str
) -> None:
    found = details_of(user_agent=agent, uap=platform, uapv=version, uafvl=brands, uam=model)
    assert len(found) == len(DETAILS)
    assert "" not in found
