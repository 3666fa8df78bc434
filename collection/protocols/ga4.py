"""GA4 `/g/collect`: parameters in the query, or one event a line in the body with the common ones in the query."""

from typing import Final
from urllib.parse import quote_plus

from collection.hit import RawHit
from collection.protocols.client_hints import hints
from collection.protocols.decoded import REST, Decoded, Protocol, as_text, pairs, unquoted

PARAMETERS: Final = frozenset(
    (
        *("en", "dl", "dr", "dt", "dh", "dp", "ul", "sr", "cid", "uid", "sid", "sct", "seg"),
        *("_s", "_p", "_et", "_ss", "_fv", "_nsi", "_c"),
        *("cs", "cm", "cn", "cc", "ck", "ci", "gclid", "dclid", "cu", "tt", "ir"),
        *("uaa", "uab", "uafvl", "uamb", "uam", "uap", "uapv", "uaw"),
    )
)
MOST_EVENTS: Final = 100  # each event repeats the common parameters: more of them would make a small hit a large block
MOST_REPEATED: Final = 256 * 1024  # bytes of common parameters in all events together, for the same reason
LONGEST_CREATED: Final = 15  # digits

OVERRIDE: Final = "_uip"
HIT_ID: Final = "_hid"  # these two are our own tracker's; they leave no trace in `REST`, since columns stand for them
CREATED: Final = "_hts"
SPECIAL: Final = frozenset(("tid", OVERRIDE, HIT_ID, CREATED))
KEPT: Final = frozenset(("tid", OVERRIDE))


def decode(hit: RawHit) -> Decoded:
    """Never refuses a parameter: what is missing or wrong in a hit is for the validate step to say."""
    common = _Parameters(as_text(hit.query))
    lines = [line for line in _lines(hit.body) if line]
    if len(lines) > MOST_EVENTS:
        return _refused(hit, common, f"more than {MOST_EVENTS} events")
    if len(lines) > 1 and len(lines) * len(hit.query) > MOST_REPEATED:
        return _refused(hit, common, "too many events for so long common parameters")
    all_parameters = [_Parameters(line).with_common(common) for line in lines] or [common]
    told = hints(hit.headers) if hit.headers else {}
    return _decoded(all_parameters, told)


class _Parameters:
    """The first value of each name: `known` ones, and `special` ones for this module.

    `others` are `name=value` as they were sent.
    """

    __slots__ = ("known", "others", "special")

    def __init__(self, text: str) -> None:
        """One loop without calls: this is where receiving a hit spends most of its time."""
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
        """Names that were sent in an unusual encoding: the shortest one finds them."""
        for name, value in encoded:
            if name in PARAMETERS and name not in self.known:
                self.known[name] = unquoted(value)
                continue
            if name in SPECIAL:
                self.special.setdefault(name, unquoted(value))
            self.others.append(f"{quote_plus(name)}={value}")

    def with_common(self, common: "_Parameters") -> "_Parameters":
        """The event's own win; what they hide of the common ones is kept among the others."""
        hidden = [item for item in common.known.items() if item[0] in self.known]
        hidden += [item for item in common.special.items() if item[0] in self.special and item[0] not in KEPT]
        self.known = common.known | self.known
        self.special = common.special | self.special
        self.others += common.others + ([pairs(hidden)] if hidden else [])
        return self

    def event(self, used: dict[str, str]) -> dict[str, str]:
        """`used` are the special parameters that columns stand for."""
        unused = [item for item in self.special.items() if item[0] not in KEPT and used.get(item[0]) != item[1]]
        rest = "&".join([*self.others, pairs(unused)] if unused else self.others)
        return {**self.known, REST: rest} if rest else self.known


def _lines(body: bytes) -> list[str]:
    return as_text(body).replace("\r\n", "\n").split("\n") if body else []


def _decoded(all_parameters: list[_Parameters], told: dict[str, str]) -> Decoded:
    first = all_parameters[0]
    hit_id, created = first.special.get(HIT_ID, ""), first.special.get(CREATED, "")
    moment = _whole_number(created)
    used = {HIT_ID: hit_id} if moment is None else {HIT_ID: hit_id, CREATED: created}
    return Decoded(
        events=[
            {**told, **parameters.event(used)} if told else parameters.event(used) for parameters in all_parameters
        ],
        measurement_id=first.special.get("tid", ""),
        client_id=first.known.get("cid", ""),
        client_session=first.known.get("sid", ""),
        hit_id=hit_id,
        created=moment,
        address=first.special.get(OVERRIDE),
    )


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_CREATED else None


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
