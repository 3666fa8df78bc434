"""Decodes GA4's `/g/collect`: an event in the query, or one per line of the body with common ones in the query."""

import re
from typing import Final
from urllib.parse import quote_plus

from collection.hit import RawHit
from collection.protocols.client_hints import hints
from collection.protocols.decoded import REST, Decoded, Protocol, as_text, pairs, unquoted

PARAMETERS: Final = frozenset(
    (
        "en",  # event name
        "dl",  # address of the page
        "dr",  # referrer
        "dt",  # title of the page
        "dh",  # host
        "dp",  # path
        "ul",  # language
        "sr",  # screen size
        "cid",  # client id
        "uid",  # user id
        "sid",  # session id
        "sct",  # number of the session
        "seg",  # 1 if the session is engaged
        "_s",  # number of the hit on the page
        "_p",  # id of the page load
        "_et",  # engagement time, ms
        "_ss",  # session start
        "_fv",  # first visit
        "_nsi",  # new session id
        "_c",  # conversion
        "cs",  # campaign source
        "cm",  # campaign medium
        "cn",  # campaign name
        "cc",  # campaign content
        "ck",  # campaign keyword
        "ci",  # campaign id
        "gclid",  # click id of Google Ads
        "dclid",  # click id of Display & Video 360
        "cu",  # currency
        "tt",  # traffic type
        "ir",  # ignore the referrer
        "uaa",  # client hints: architecture
        "uab",  # bitness
        "uafvl",  # brands with full versions
        "uamb",  # mobile
        "uam",  # model
        "uap",  # platform
        "uapv",  # version of the platform
        "uaw",  # WOW64
    )
)
MAX_EVENTS: Final = 100  # every event repeats the common parameters: without a limit a small hit could fill a block
MAX_REPEATED_BYTES: Final = 256 * 1024  # bytes of common parameters in all events together, for the same reason
MAX_CREATED_DIGITS: Final = 15  # digits

# Google's cookie, which some clients send whole: `GS1.1.<session>.<count>.…`, or `GS2.1.s<session>$o<count>$…`, its
# parts in any order.
SESSION_COOKIE: Final = re.compile(r"GS1\.\d+\.([^.]+)\.|GS2\.\d+\.(?:[^$]*\$)*?s([^$]+)")

OVERRIDE: Final = "_uip"
HIT_ID: Final = "_hid"  # this and the next are sent by our tracker only; they have columns, so `REST` leaves them out
CREATED: Final = "_hts"
SPECIAL: Final = frozenset(("tid", OVERRIDE, HIT_ID, CREATED))
KEPT: Final = frozenset(("tid", OVERRIDE))


def decode(hit: RawHit) -> Decoded:
    """Refuses no parameter: the validate step reports missing and wrong ones."""
    common = _Parameters(as_text(hit.query))
    lines: list[str] = []
    if hit.body:
        lines = [line for line in as_text(hit.body).replace("\r\n", "\n").split("\n") if line]
    if len(lines) > MAX_EVENTS:
        return _refused(hit, common, f"more than {MAX_EVENTS} events")
    if len(lines) > 1 and len(lines) * len(hit.query) > MAX_REPEATED_BYTES:
        return _refused(hit, common, "too many events for so long common parameters")
    all_parameters = [_Parameters(line).with_common(common) for line in lines] or [common]
    client_hints = hints(hit.headers) if hit.headers else {}
    return _decoded(all_parameters, client_hints)


class _Parameters:
    """The first value of every name: `known` names are in PARAMETERS, `special` names are used in this module.

    `others` are all other and repeated parameters, `name=value` as sent.
    """

    __slots__ = ("known", "others", "special")

    def __init__(self, text: str) -> None:
        """Parses the text in one loop that calls no functions: receiving spends most of its time here."""
        self.known = known = dict[str, str]()
        self.special = special = dict[str, str]()
        self.others = others = list[str]()
        encoded = []
        for piece in text.split("&"):
            name, _, value = piece.partition("=")
            if name in PARAMETERS and name not in known:
                known[name] = unquoted(value) if "%" in value or "+" in value else value
            elif name in SPECIAL and name not in special:
                special[name] = unquoted(value)
                if name in KEPT:
                    others.append(piece)
            elif "%" in name or "+" in name:
                encoded.append((unquoted(name), value))
            elif piece:
                others.append(piece)
        if encoded:
            self._add_encoded(encoded)

    def _add_encoded(self, encoded: list[tuple[str, str]]) -> None:
        """Adds parameters whose names were sent percent-encoded, after decoding the names."""
        for name, value in encoded:
            if name in PARAMETERS and name not in self.known:
                self.known[name] = unquoted(value)
                continue
            if name in SPECIAL:
                self.special.setdefault(name, unquoted(value))
            self.others.append(f"{quote_plus(name)}={value}")

    def with_common(self, common: "_Parameters") -> "_Parameters":
        """Adds the common parameters. The event's own have priority; common ones of the same name go to `others`."""
        hidden = [item for item in common.known.items() if item[0] in self.known]
        hidden += [item for item in common.special.items() if item[0] in self.special and item[0] not in KEPT]
        self.known = common.known | self.known
        self.special = common.special | self.special
        self.others += common.others + ([pairs(hidden)] if hidden else [])
        return self

    def event(self, used: dict[str, str]) -> dict[str, str]:
        """Returns the entry for `Decoded.events`. `used`: special parameters that have columns, left out of REST."""
        unused = [item for item in self.special.items() if item[0] not in KEPT and used.get(item[0]) != item[1]]
        rest = "&".join([*self.others, pairs(unused)] if unused else self.others)
        return {**self.known, REST: rest} if rest else self.known


def _decoded(all_parameters: list[_Parameters], client_hints: dict[str, str]) -> Decoded:
    first = all_parameters[0]
    hit_id, created = first.special.get(HIT_ID, ""), first.special.get(CREATED, "")
    created_ms = _whole_number(created)
    used = {HIT_ID: hit_id} if created_ms is None else {HIT_ID: hit_id, CREATED: created}
    return Decoded(
        events=[
            {**client_hints, **parameters.event(used)} if client_hints else parameters.event(used)
            for parameters in all_parameters
        ],
        measurement_id=first.special.get("tid", ""),
        client_id=first.known.get("cid", ""),
        client_session=_session(first.known.get("sid", "")),
        hit_id=hit_id,
        created=created_ms,
        address=first.special.get(OVERRIDE),
    )


def _session(text: str) -> str:
    """`GS2.1.s1747323152$o28$t1747323160` -> `1747323152`: the cookie changes with each hit, its session does not."""
    cookie = SESSION_COOKIE.match(text) if text.startswith("GS") else None
    return text if cookie is None else cookie[1] or cookie[2]


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_CREATED_DIGITS else None


def _refused(hit: RawHit, common: _Parameters, error: str) -> Decoded:
    content = pairs([("query", as_text(hit.query)), ("body", as_text(hit.body))])
    return Decoded(
        events=[{REST: content}],
        measurement_id=common.special.get("tid", ""),
        client_id=common.known.get("cid", ""),
        error=error,
    )


PROTOCOL: Final = Protocol(
    name="ga4",
    decode=decode,
    parameters=PARAMETERS,
    path="/g/collect",
    has_engagement_signals=True,
)
