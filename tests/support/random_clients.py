"""What random hits say about their page, their client, device and place, and what reports must show of it, by the names
of dimensions. What is missing here is shown as "(not set)".
"""

from typing import Any, Final

Shown = dict[str, str]

CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1"
)
DEVICES: Final[dict[str, Shown]] = {
    CHROME: {
        "browserVersion": "131.0.0.0",
        "operatingSystemVersion": "10",
        "operatingSystemWithVersion": "Windows 10",
        "platformDeviceCategory": "web / desktop",
    },
    IPHONE: {
        "browserVersion": "17.5",
        "operatingSystemVersion": "17.5",
        "operatingSystemWithVersion": "iOS 17.5",
        "platformDeviceCategory": "web / mobile",
        "mobileDeviceBranding": "Apple",
        "mobileDeviceModel": "iPhone",
        "deviceModel": "iPhone",
    },
}
# Client hints, and what they change for CHROME.
HINTS: Final[tuple[tuple[dict[str, str], Shown], ...]] = (
    ({}, {}),
    (
        {
            "uap": "Windows",
            "uapv": "15.0.0",
            "uafvl": "Google%20Chrome;131.0.6778.86|Chromium;131.0.6778.86",
            "uam": "",
        },
        {
            "browserVersion": "131.0.6778.86",
            "operatingSystemVersion": "11",
            "operatingSystemWithVersion": "Windows 11",
        },
    ),
)
# What a file of places says of a network, and what reports show of it.
PLACES: Final[dict[str, tuple[dict[str, Any], Shown]]] = {
    "192.0.2.7": (
        {
            "country": {"iso_code": "DE"},
            "subdivisions": [{"names": {"en": "Bavaria", "de": "Bayern"}}],
            "city": {"names": {"en": "Munich"}},
        },
        {"countryId": "DE", "continent": "Europe", "continentId": "150", "region": "Bavaria", "city": "Munich"},
    ),
    "198.51.100.9": (
        {"country_code": "FR", "state1": "Normandy"},
        {"countryId": "FR", "continent": "Europe", "continentId": "150", "region": "Normandy"},
    ),
    "203.0.113.5": ({}, {}),
}
# Parameters of a page view.
SAID: Final[tuple[tuple[dict[str, str], Shown], ...]] = (
    ({}, {}),
    (
        {"dt": " Shoes ", "ul": "de-AT", "sr": "1920x1080", "vp": "1280x720", "uid": "user-7"},
        {
            "pageTitle": "Shoes",
            "language": "German",
            "languageCode": "de-at",
            "screenResolution": "1920x1080",
            "viewport": "1280x720",
            "signedInWithUserId": "yes",
        },
    ),
    (
        {"dt": "é" * 301, "ul": "en_US.UTF-8", "sr": "0x0", "vp": "1e3x-1", "uid": ""},
        {"pageTitle": "é" * 300, "language": "English", "languageCode": "en-us"},
    ),
    ({"ul": "\x00=<b>", "sr": "99999x1"}, {"screenResolution": "99999x1"}),
    ({"ul": "gez"}, {"language": "gez", "languageCode": "gez"}),
)


def place_and_device(address: str, agent: str, sent: dict[str, str]) -> Shown:
    hinted = next(shown for hints, shown in reversed(HINTS) if hints.items() <= sent.items())
    return {**PLACES[address][1], **DEVICES.get(agent, {}), **hinted, "platform": "web"}


def client_and_page(url: str, sent: dict[str, str]) -> Shown:
    """`url`: without campaign tags and click ids."""
    said = next(shown for parameters, shown in reversed(SAID) if parameters.items() <= sent.items())
    page = url.split("://")[-1]
    path = page[page.index("/") :]
    shown = {"pageLocation": url, "unifiedPageScreen": path, "unifiedPagePathScreen": path.partition("?")[0]}
    titles = dict.fromkeys(("unifiedScreenClass", "unifiedScreenName"), said.get("pageTitle", "(not set)"))
    return {"signedInWithUserId": "no", **shown, **titles, **said}
