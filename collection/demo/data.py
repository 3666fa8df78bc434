"""Data of the demo shop: browsers, networks, sources, pages, products. Weights are relative to each other."""

from typing import Final, NamedTuple

HOST: Final = "demo-shop.example"


class DemoBrowser(NamedTuple):
    """A browser with its weight, its screen size and its user agent."""

    weight: float
    screen: str
    user_agent: str

    @property
    def viewport(self) -> str:
        """The size of a window that is as wide as the screen."""
        width, height = self.screen.split("x")
        return f"{width}x{int(height) * 85 // 100}"


class DemoSource(NamedTuple):
    """Where visits come from. `query` is added to the address of the landing page; `eagerness` scales purchases."""

    weight: float
    referrer: str
    query: str
    eagerness: float
    landing: str  # "home", "product", "article", "category"


class DemoPage(NamedTuple):
    path: str
    title: str


class DemoProduct(NamedTuple):
    page: DemoPage
    number: str
    name: str
    price_cents: int


_CHROME: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_CHROME_MOBILE: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"
_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX: Final = "Mozilla/5.0 (X11; Linux x86_64)"
_ANDROID: Final = "Mozilla/5.0 (Linux; Android 10; K)"


def _iphone(system: str, version: str) -> str:
    device = f"iPhone; CPU iPhone OS {system} like Mac OS X"
    return f"Mozilla/5.0 ({device}) {_WEBKIT} Version/{version} Mobile/15E148 Safari/604.1"


def _firefox(system: str, version: int) -> str:
    return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"


AGENTS: Final = (
    *(
        DemoBrowser(weight, "1920x1080", f"{_WINDOWS} {_CHROME.format(v)}")
        for v, weight in ((155, 9), (154, 6), (153, 1), (150, 0.5))
    ),
    *(
        DemoBrowser(weight, "1536x864", f"{_WINDOWS} {_CHROME.format(v)} Edg/{v}.0.0.0")
        for v, weight in ((155, 3), (154, 2), (152, 0.4))
    ),
    *(
        DemoBrowser(weight, "1728x1117", f"{_MAC} {_CHROME.format(v)}")
        for v, weight in ((155, 4), (154, 2), (151, 0.4))
    ),
    *(DemoBrowser(weight, "2560x1440", f"{_LINUX} {_CHROME.format(v)}") for v, weight in ((155, 1), (154, 0.6))),
    *(
        DemoBrowser(weight, "412x915", f"{_ANDROID} {_CHROME_MOBILE.format(v)}")
        for v, weight in ((155, 14), (154, 7), (152, 2), (149, 0.7))
    ),
    *(DemoBrowser(weight, "1280x800", f"{_ANDROID} {_CHROME.format(v)}") for v, weight in ((155, 1), (153, 0.5))),
    *(DemoBrowser(weight, "390x844", _iphone("18_7", v)) for v, weight in (("26.4", 9), ("26.3", 4), ("26.1", 1))),
    *(
        DemoBrowser(weight, "393x852", _iphone(s, v))
        for s, v, weight in (("18_6", "18.6", 4), ("18_5", "18.5", 2), ("17_6", "17.6", 1))
    ),
    *(
        DemoBrowser(weight, "1470x956", f"{_MAC} {_WEBKIT} Version/{v} Safari/605.1.15")
        for v, weight in (("26.4", 3), ("26.1", 1), ("18.6", 1))
    ),
    DemoBrowser(
        1,
        "820x1180",
        f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1",
    ),
    *(
        DemoBrowser(weight, "1920x1080", _firefox("Windows NT 10.0; Win64; x64", v))
        for v, weight in ((157, 2), (156, 1), (140, 0.4))
    ),
    *(
        DemoBrowser(weight, "1440x900", _firefox("Macintosh; Intel Mac OS X 10.15", v))
        for v, weight in ((157, 0.8), (156, 0.3))
    ),
    *(DemoBrowser(weight, "2560x1440", _firefox("X11; Linux x86_64", v)) for v, weight in ((157, 0.9), (140, 0.3))),
    DemoBrowser(0.6, "412x892", "Mozilla/5.0 (Android 16; Mobile; rv:157.0) Gecko/157.0 Firefox/157.0"),
    *(
        DemoBrowser(
            weight,
            "360x780",
            f"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"SamsungBrowser/{v}.0 Chrome/136.0.0.0 Mobile Safari/537.36",
        )
        for v, weight in ((29, 2.5), (28, 1))
    ),
    DemoBrowser(0.7, "1920x1080", f"{_WINDOWS} {_CHROME.format(153)} OPR/137.0.0.0"),
    DemoBrowser(0.4, "1920x1080", f"{_MAC} {_CHROME.format(153)} OPR/137.0.0.0"),
)
ROBOTS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    f"{_LINUX} AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/154.0.0.0 Safari/537.36",
)
SOURCES: Final = (
    DemoSource(27, "", "", 1.3, "home"),
    DemoSource(28, "https://www.google.com/", "", 1.0, "article"),
    DemoSource(9, "https://www.google.com/", "", 1.2, "product"),
    DemoSource(4, "https://www.bing.com/", "", 1.0, "product"),
    DemoSource(3, "https://duckduckgo.com/", "", 1.0, "article"),
    DemoSource(
        7,
        "https://www.google.com/",
        "utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=Cj0KCQ",
        1.8,
        "category",
    ),
    DemoSource(3, "https://www.bing.com/", "utm_source=bing&utm_medium=cpc&utm_campaign=garden-tools", 1.4, "category"),
    DemoSource(6, "", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly", 2.2, "product"),
    DemoSource(
        4, "https://www.instagram.com/", "utm_source=instagram&utm_medium=social&utm_campaign=autumn", 0.7, "product"
    ),
    DemoSource(3, "https://l.facebook.com/", "", 0.6, "article"),
    DemoSource(2, "https://www.reddit.com/", "", 0.3, "article"),
    DemoSource(2, "https://www.youtube.com/", "", 0.8, "product"),
    DemoSource(1, "https://chatgpt.com/", "utm_source=chatgpt.com", 1.1, "article"),
    DemoSource(3, "https://balcony-and-bed.example/best-tools", "", 1.5, "product"),
    DemoSource(
        1, "https://deals.example/today", "utm_source=deals&utm_medium=affiliate&utm_campaign=outlet", 1.6, "category"
    ),
)
HOME: Final = DemoPage("/", "Demo shop: tools for small gardens")
CART: Final = DemoPage("/cart", "Your cart")
CHECKOUT: Final = DemoPage("/checkout", "Checkout")
THANKS: Final = DemoPage("/thank-you", "Thank you for your order")
SIGN_UP: Final = DemoPage("/account/sign-up", "Create an account")
CATEGORIES: Final = tuple(
    DemoPage(f"/shop/{name.lower().replace(' ', '-')}", name)
    for name in ("Seeds", "Hand tools", "Watering", "Pots", "Soil", "Lights", "Gifts", "Outlet")
)
ARTICLES: Final = tuple(
    DemoPage(f"/guide/{title.lower().replace(' ', '-')}", title)
    for title in (
        *("How to repot a monstera", "Watering while on holiday", "Tomatoes on a balcony", "What soil for herbs"),
        *("Pruning roses in autumn", "Composting without a garden", "Ten plants for shade", "Saving seeds"),
        *("Choosing secateurs", "Lights for seedlings", "Fungus gnats", "Bees on the windowsill"),
    )
)
_GOODS: Final = (
    *(("Secateurs", 3490), ("Trowel", 1490), ("Hand fork", 1590), ("Watering can 5 l", 2990), ("Drip set", 4450)),
    *(("Terracotta pot 20 cm", 1290), ("Planter box", 5900), ("Herb seeds", 690), ("Tomato seeds", 390)),
    *(
        ("Wildflower mix", 890),
        ("Potting soil 20 l", 990),
        ("Grow light", 6490),
        ("Gloves", 1190),
        ("Plant labels", 490),
    ),
    *(("Seed tray", 1090), ("Mini greenhouse", 8900), ("Rain gauge", 1990), ("Gift box", 3900), ("Moss pole", 1390)),
    *(("Snips", 2290), ("Kneeler", 2790), ("Twine", 590), ("Soil tester", 1890), ("Hose 15 m", 3290)),
)
PRODUCTS: Final = tuple(
    DemoProduct(DemoPage(f"/product/{name.lower().replace(' ', '-')}", name), f"P{number:03}", name, price)
    for number, (name, price) in enumerate(_GOODS, 1)
)
