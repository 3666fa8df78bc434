"""Simulates one visit to the demo shop: the pages, the actions, and the hits that the tracker sends."""

import random
from typing import Final
from urllib.parse import quote

from collection.demo.data import (  # fmt: skip
    ARTICLES,
    CART,
    CATEGORIES,
    CHECKOUT,
    HOME,
    HOST,
    PRODUCTS,
    SIGN_UP,
    THANKS,
    DemoBrowser,
    DemoPage,
    DemoProduct,
    DemoSource,
)

BOUNCE_SHARE: Final = 0.42
FINAL_HIT_SHARE: Final = 0.85  # of visits: their last page can still report the time that it was read
CART_SHARE: Final = 0.09  # of viewed products go into the cart
PURCHASE_SHARE: Final = 0.4  # of carts are paid
SIGN_UP_SHARE: Final = 0.02
SIGN_UP_METHODS: Final = ("email", "email", "passkey")
ENGAGED_MS: Final = 10_000
REPORTED_MS: Final = 1_000  # the tracker reports no shorter time
MAX_STAY_S: Final = 540.0
MEAN_PAGES: Final = 4.0  # after the first, on average
LANDINGS: Final[dict[str, tuple[DemoPage, ...]]] = {
    "home": (HOME,),
    "product": tuple(product.page for product in PRODUCTS),
    "article": ARTICLES,
    "category": CATEGORIES,
}
GOODS: Final = {product.page: product for product in PRODUCTS}
SAFE_CHARACTERS: Final = "/:=&?.~"


class DemoVisitor:
    """A visitor with one browser."""

    def __init__(self, client: str, address: str, language: str, agent: DemoBrowser) -> None:
        self.client, self.address, self.language, self.agent = client, address, language, agent
        self.visits = 0


class DemoVisit:
    """A visit in progress. `hits`: (time in ms, query of `/g/collect`) so far. `now`: the time in ms."""

    def __init__(
        self, measurement_id: str, visitor: DemoVisitor, source: DemoSource, now: int, chance: random.Random
    ) -> None:
        visitor.visits += 1
        self.visitor, self.source, self.now, self.chance = visitor, source, now, chance
        self.hits: list[tuple[int, str]] = []
        self._common = (
            f"v=2&tid={measurement_id}&cid={visitor.client}&sid={now // 1000}&sct={visitor.visits}"
            f"&ul={visitor.language}&sr={visitor.agent.screen}&vp={visitor.agent.viewport}"
        )
        self._address = self._referrer = ""
        self._title = ""
        self._load = self._sequence = self._views = self._stayed = self._unreported = 0

    def view(self, page: DemoPage) -> None:
        if self._views:
            self.leave()
        self._referrer = self._address if self._views else quote(self.source.referrer, safe=SAFE_CHARACTERS)
        query = f"?{self.source.query}" if self.source.query and not self._views else ""
        self._address = quote(f"https://{HOST}{page.path}{query}", safe="/:")
        self._title = quote(page.title)
        self._load, self._sequence = self.chance.getrandbits(31), 0
        self._views += 1
        flags = "" if self._views > 1 else "&_ss=1&_fv=1&_nsi=1" if self.visitor.visits == 1 else "&_ss=1"
        self.send("page_view", flags)

    def stay(self, typical_s: float = 20.0) -> None:
        """Lets time pass on the page."""
        spent = int(min(typical_s * self.chance.lognormvariate(0, 0.9), MAX_STAY_S) * 1000) + 1
        self.now, self._stayed, self._unreported = self.now + spent, self._stayed + spent, self._unreported + spent

    def leave(self) -> None:
        """Reports the time on the page, as the tracker does when the page is hidden."""
        if self._unreported >= REPORTED_MS:
            self.send("user_engagement")
        self._unreported = 0

    def send(self, event: str, parameters: str = "") -> None:
        self._sequence += 1
        engaged = int(self._views > 1 or self._stayed > ENGAGED_MS)
        spent = f"&_et={self._unreported}" if self._unreported else ""
        self._unreported = 0
        self.hits.append((self.now, (
            f"{self._common}&_p={self._load}&_s={self._sequence}&seg={engaged}&en={event}&dl={self._address}"
            f"&dr={self._referrer}&dt={self._title}{spent}{parameters}&_hid={self.chance.getrandbits(64):016x}&_hts={self.now}"
        )))  # fmt: skip


def browse(visit: DemoVisit) -> DemoVisit:
    """Simulates the visit from its first page to its last. Returns it."""
    chance = visit.chance
    visit.view(popular(chance, LANDINGS[visit.source.landing]))
    if chance.random() < BOUNCE_SHARE:
        visit.stay(8)
    else:
        visit.stay()
        _look_around(visit)
    if chance.random() < FINAL_HIT_SHARE:
        visit.leave()
    return visit


def popular(chance: random.Random, pages: tuple[DemoPage, ...]) -> DemoPage:
    """Chooses a page nearly by Zipf's law: the first almost twice as often as the second, three times as the third."""
    return pages[int((len(pages) + 1) ** chance.random()) - 1]


def _look_around(visit: DemoVisit) -> None:
    chance = visit.chance
    cart: list[DemoProduct] = []
    for _ in range(1 + int(chance.expovariate(1 / (MEAN_PAGES - 1)))):
        page = _next(chance)
        visit.view(page)
        visit.stay()
        product = GOODS.get(page)
        if product and chance.random() < CART_SHARE * visit.source.eagerness:
            cart.append(product)
            visit.send("add_to_cart", _items([product]))
    if chance.random() < SIGN_UP_SHARE:
        visit.view(SIGN_UP)
        visit.stay(30)
        visit.send("sign_up", f"&ep.method={chance.choice(SIGN_UP_METHODS)}")
    if cart:
        _go_to_checkout(visit, cart)


def _next(chance: random.Random) -> DemoPage:
    choice = chance.random()
    if choice < 0.1:
        return HOME
    return popular(chance, LANDINGS["category" if choice < 0.35 else "product" if choice < 0.85 else "article"])


def _go_to_checkout(visit: DemoVisit, cart: list[DemoProduct]) -> None:
    visit.view(CART)
    visit.stay(15)
    visit.view(CHECKOUT)
    visit.send("begin_checkout", _items(cart))
    visit.stay(60)
    if visit.chance.random() < PURCHASE_SHARE:
        visit.view(THANKS)
        visit.send("purchase", f"&ep.transaction_id=T{visit.now // 1000}{_items(cart)}")
        visit.stay(10)


def _items(products: list[DemoProduct]) -> str:
    total = sum(product.price_cents for product in products)
    parts = (f"id{p.number}~nm{p.name}~pr{p.price_cents / 100:.2f}~qt1" for p in products)
    items = "".join(f"&pr{number}={quote(part, safe='~')}" for number, part in enumerate(parts, 1))
    return f"&cu=EUR&epn.value={total / 100:.2f}{items}"
