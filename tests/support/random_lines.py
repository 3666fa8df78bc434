"""Random lines of access logs, each with what the oracle must make of it."""

from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit
from tests.support.random_clients import client_and_page, place_and_device
from tests.support.random_interactions import campaign_and_interaction
from tests.support.random_site import (
    AGENTS,
    COUNTRIES,
    HOUR,
    ORIGINS,
    Arrival,
    Sent,
    Site,
    number_of,
    page_of,
    program_of,
)

# request, status -> why it does not count
REQUESTS: Final = (
    ("GET / HTTP/1.1", 200, None), ("GET /a HTTP/1.1", 304, None), ("GET /a?q=2 HTTP/1.1", 200, None),
    ("POST /a HTTP/1.1", 404, "method"), ("GET /s.css HTTP/1.1", 404, "status"), ("GET /s.css HTTP/1.1", 200, "asset"),
    ("nonsense", 200, "malformed"),
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn, site: Site, time: int, id: str) -> tuple[int, int, Arrival]:
    """A line of an access log, imported some time later; it may be imported again at any time."""
    property, second = draw(st.sampled_from([site.cookie, site.cookieless])), time // 1000 * 1000
    request, status, reason = draw(st.sampled_from(REQUESTS))
    address, agent = draw(st.sampled_from(sorted(COUNTRIES))), draw(st.sampled_from(sorted(AGENTS)))
    _, referrer, origin = draw(st.sampled_from([each for each in ORIGINS if not each[0]]))
    stamp = datetime.fromtimestamp(second / 1000, tz=UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    text = f'{address} - - [{stamp}] "{request}" {status} 12 "{referrer or "-"}" "{agent}"'
    reason = reason or ("bot" if AGENTS[agent] is None else None)
    owner = ("line", "", "") if reason == "malformed" else ("line", address, agent)
    facts = _line_facts(request, address, agent, origin) if reason is None else _refused(reason, request, agent)
    facts |= {"pageReferrer": referrer or "(not set)"}

    def arrive(number: int, received_us: int) -> Sent:
        raw = RawHit(FORMAT, id, received_us, "access_log", "", "", {}, b"", text.encode(), property.id, second)
        base = {"position": number, "received_us": received_us, "time": second, "visitor": owner, "hit": number_of(id)}
        return Sent(raw, property.id, [{"country": COUNTRIES[address], **base, **facts, "index": 0}])

    return time + HOUR, time + 1000 * HOUR, arrive


def _refused(reason: str, request: str, agent: str) -> dict[str, Any]:
    """Of a line that cannot be read, nothing is known."""
    if reason == "malformed":
        return {"reason": reason, "country": "(not set)"}
    return {"reason": reason, "host": "shop.example", **page_of(request.split(" ")[1]), **program_of(agent)}


def _line_facts(request: str, address: str, agent: str, origin: tuple[str, ...]) -> dict[str, Any]:
    technical = dict(zip(("device", "browser", "system"), AGENTS[agent] or (), strict=True))
    flags = dict.fromkeys(("first_visit", "key_event", "client_engaged", "signals"), False)
    said: dict[str, Any] = {
        "event": "page_view",
        "page_view": True,
        "engagement_ms": 0,
        "sequence": 0,
        "client_session": None,
        "visit_number": None,
    }
    target = request.split(" ")[1]
    said |= campaign_and_interaction({}, target, clicked=False, page_view=True)
    shown = {**client_and_page(f"shop.example{target}", {}), **place_and_device(address, agent, {})}
    said |= {"source": origin, "host": "shop.example", "protocol": "access_log", **page_of(target)}
    return {**technical, **flags, **said, **shown}
