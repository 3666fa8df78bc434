"""Random hits for tests, each with what the oracle must make of it: written from the manual, not from the product."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit
from configuration.ruleset.context import ReceiveSettings
from tests.support.random_clients import CHROME, HINTS, SAID, client_and_page, place_and_device
from tests.support.random_interactions import SAID_MORE, campaign_and_interaction, tags_of
from tests.support.random_lines import lines
from tests.support.random_measurements import MEANINGS, MEASURED, meaning_of
from tests.support.random_orders import SHOPPING, meant, orders
from tests.support.random_site import (
    AGENTS,
    COUNTRIES,
    HOUR,
    MINUTE,
    ORIGINS,
    Arrival,
    Sent,
    Site,
    number_of,
    page_of,
    program_of,
)

# gaps at which something changes, and a millisecond to either side
EDGES: Final = tuple(edge + off for edge in (0, 10_000, 30 * MINUTE, 4 * HOUR, 5 * HOUR) for off in (-1, 0, 1))
# from a hit's making to its receipt; the window is -72 h to +10 min
DELAYS: Final = (0, 0, 0, 40, MINUTE, 5 * HOUR, 72 * HOUR, 72 * HOUR + 1, -10 * MINUTE, -10 * MINUTE - 1)
PAGES: Final = ("/", "/a", "/B", "/a?q=1&r")
NAMES: Final = (
    "page_view",
    "page_view",
    "page_view",
    "scroll",
    "first_visit",
    "screen_view",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    *MEASURED,
    "",
    "refund",
    "view_item",
    "x" * 41,
)


@st.composite
def arrivals(draw: st.DrawFn, site: Site, most: int = 40) -> list[Sent]:
    """In the order of receipt, re-sent ones among them."""
    times: list[int] = []
    wanted: list[tuple[int, Arrival]] = []
    for number in range(draw(st.integers(1, most).map(lambda many: many if many % 5 else most))):
        times.append(draw(_times(site, times[-4:])))
        make = lines if draw(st.integers(0, 4)) == 0 else _request
        received, latest, arrival = draw(make(site, times[-1], f"id{number}"))
        wanted.append((received, arrival))
        if draw(st.integers(0, 3)) == 0:
            again = st.sampled_from([1, 5_000, 20 * HOUR, 48 * HOUR, latest - received])
            wanted.append((min(received + draw(again), latest), arrival))
    return [arrival(n, at * 1000 + n) for n, (at, arrival) in enumerate(sorted(wanted, key=lambda each: each[0]))]


@st.composite
def _times(draw: st.DrawFn, site: Site, before: list[int]) -> int:
    low, high = site.days
    near = draw(st.sampled_from(before + site.moments))
    if draw(st.integers(0, 5)) == 0:
        near = draw(st.integers(low, high))
    return max(low, min(high, near + draw(st.sampled_from(EDGES)) * draw(st.sampled_from([1, 1, -1]))))


@st.composite
def _request(draw: st.DrawFn, site: Site, time: int, id: str) -> tuple[int, int, Arrival]:
    """A tracker's hit, with id and time of its own, or another client's: when it comes, until when it may come again,
    and what it is.
    """
    tracker = draw(st.booleans())
    own_id = id if tracker or draw(st.booleans()) else ""
    property = draw(st.sampled_from([site.cookie, site.cookie, site.cookieless, None]))
    common = {
        "v": "2",
        "tid": property.measurement_id if property else "G-NOBODY0001",
        "cid": draw(st.sampled_from(["1.1", "2.2", ""])),
        "sid": draw(st.sampled_from(["", "7", "8"])),
        "_s": str(draw(st.integers(0, 2))),
        **draw(st.sampled_from([{}, {"sct": "1"}, {"sct": "2"}, {"sct": "0"}, {"sct": "-1"}, {"sct": "4294967296"}])),
        **({"_hid": own_id} if own_id else {}),
        **({"_hts": str(time)} if tracker else {}),
    }
    sender = draw(st.sampled_from(sorted(COUNTRIES))), draw(st.sampled_from([*sorted(AGENTS), min(AGENTS)]))
    if sender[1] == CHROME:
        common |= draw(st.sampled_from(HINTS))[0]
    said = draw(st.lists(_events(), min_size=1, max_size=3))
    if not common["cid"] or property is site.cookieless:
        # Sent again on another day, the hit is of another visitor. Which of two equal purchases is the first, only
        # their visitor keys tell.
        for own, _, _ in said:
            own.pop("ep.transaction_id", None)
    received = time + (draw(st.sampled_from(DELAYS)) if tracker else 0)

    def arrive(number: int, received_us: int) -> Sent:
        return _arrived(number, received_us, common, said, sender, property)

    latest = min(time, received) + 72 * HOUR
    return received, max(received, latest) if own_id else received, arrive


@st.composite
def _events(draw: st.DrawFn) -> tuple[dict[str, str], int, str]:
    """Parameters of one event, which origin it has, and its page."""
    flags = {name: "1" for name in ("_ss", "_fv", "_c", "seg") if draw(st.integers(0, 7)) == 0}
    spent = draw(st.sampled_from(["", "", "1", "5000", "5001", "10000", "10001", "x"]))
    origin, page = draw(st.integers(0, len(ORIGINS) - 1)), draw(st.sampled_from(PAGES))
    client = draw(st.sampled_from(SAID))[0] | draw(st.sampled_from(SAID_MORE))
    name = draw(st.sampled_from(NAMES if draw(st.integers(0, 2)) else SHOPPING))
    measured = draw(st.sampled_from(MEASURED[name]))[0] if name in MEASURED else {}
    sold = draw(orders()) if name in SHOPPING or (name not in MEASURED and draw(st.integers(0, 3)) == 0) else {}
    said = {**({"_et": spent} if spent else {}), **client, **sold}
    return {"en": name, **measured, **flags, **said}, origin, page


def _arrived(
    number: int, received_us: int, common: dict[str, str], said: list[tuple[dict[str, str], int, str]],
    sender: tuple[str, str], property: ReceiveSettings | None,
) -> Sent:  # fmt: skip
    lines = []
    for own, origin, page in said:
        tags, referrer, _ = ORIGINS[origin]
        query = "&".join(filter(None, [urlencode({"gclid": tags["gclid"]}) if "gclid" in tags else "", tags_of(own)]))
        click = f"{'&' if '?' in page else '?'}{query}" if query else ""
        written = {name: text for name, text in tags.items() if name != "gclid"}
        lines.append(urlencode({**own, "dl": f"{_url(origin, page)}{click}", "dr": referrer, **written}))
    query, body = urlencode(common), "\n".join(lines)
    if len(lines) == 1:
        query, body = f"{query}&{body}", ""
    raw = RawHit(FORMAT, f"r{number}", received_us, "ga4", *sender, {}, query.encode(), body.encode())
    base = _base(number, received_us, common, sender, property)
    return Sent(raw, property.id if property else 0, _meant(base, said, sender[1], property))


def _base(
    number: int, received_us: int, common: dict[str, str], sender: tuple[str, str], property: ReceiveSettings | None
) -> dict[str, Any]:
    received, created = received_us // 1000, common.get("_hts")
    believed = created is not None and received - 72 * HOUR <= int(created) <= received + 10 * MINUTE
    by_cookie = common["cid"] and (property is None or property.identity == "cookie")
    day = datetime.fromtimestamp(received / 1000, tz=UTC).date()
    return {
        "position": number,
        "received_us": received_us,
        "time": int(created) if created is not None and believed else received,
        "visitor": ("client", common["cid"]) if by_cookie else ("day", day, *sender),
        "hit": number_of(common.get("_hid") or f"r{number}"),
        "client_session": common["sid"] or None,
        "sequence": int(common["_s"]),
        "visit_number": common.get("sct") if common.get("sct") in ("1", "2") else None,
        "signals": True,
        "host": "shop.example",
        "country": COUNTRIES[sender[0]],
        "protocol": "ga4",
        **place_and_device(*sender, common),
    }


def _meant(
    base: dict[str, Any], said: list[tuple[dict[str, str], int, str]], agent: str, property: ReceiveSettings | None
) -> list[dict[str, Any]]:
    """The events that count, implied ones first; or, if none does, one with the reason of the first."""
    reasons = [_reason(own["en"], agent, property) for own, _, _ in said]
    if all(reasons):
        return [{**base, "index": 0, "reason": reasons[0], **page_of(said[0][2]), **program_of(agent)}]
    technical = dict(zip(("device", "browser", "system"), AGENTS[agent] or (), strict=True))
    counted = [
        {**base, **technical, **_said(own), "index": index + 2, **_where(origin, page, own)}
        for index, ((own, origin, page), reason) in enumerate(zip(said, reasons, strict=True))
        if not reason
    ]
    names = {event["event"] for event in counted}
    implied = []
    for index, (name, flag) in enumerate((("first_visit", "_fv"), ("session_start", "_ss"))):
        flagged = [event for event in counted if event[flag]]
        if flagged and name not in names:
            bare: dict[str, Any] = {"page_view": False, "key_event": False, "engagement_ms": 0}
            bare |= {"first_visit": name == "first_visit", "interaction": {}, "order": {}, "items": []}
            copied = {key: value for key, value in flagged[0].items() if key not in MEANINGS}
            implied.append({**copied, **bare, "event": name, "index": index})
    return implied + counted


def _where(origin: int, page: str, own: dict[str, str]) -> dict[str, Any]:
    tags, referrer, source = ORIGINS[origin]
    client = client_and_page(_url(origin, page), own)
    page_view = own["en"] in ("page_view", "screen_view")
    client |= campaign_and_interaction(own, page, clicked="gclid" in tags, page_view=page_view)
    return {**client, **page_of(page), "source": source, "pageReferrer": referrer or "(not set)"}


def _url(origin: int, page: str) -> str:
    return f"{'http' if origin % 2 else 'https'}://shop.example{page}"


def _reason(name: str, agent: str, property: ReceiveSettings | None) -> str | None:
    if property is None:
        return "unknown property"
    if not 1 <= len(name) <= 40:
        return "malformed"
    return "bot" if AGENTS[agent] is None else None


def _said(own: dict[str, str]) -> dict[str, Any]:
    spent = own.get("_et", "")
    return {
        "event": own["en"],
        "page_view": own["en"] in ("page_view", "screen_view"),
        "first_visit": own["en"] == "first_visit",
        "key_event": "_c" in own,
        "client_engaged": "seg" in own,
        "engagement_ms": int(spent) if spent.isdigit() else 0,
        "_fv": "_fv" in own,
        "_ss": "_ss" in own,
        **meaning_of(own),
        **meant(own),
    }
