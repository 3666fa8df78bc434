"""The rules and settings of a property as one immutable, numbered value. Pure: no Django, no frames.

Files and the API carry it as a document. A rule is identified by its kind and name. Rules of a kind apply in the
order of the list; `testing` ones change nothing, but hit tests and previews show what they would do.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from configuration.ruleset.context import ReceiveSettings

FORMAT: Final = 1

State = Literal["on", "off", "testing"]
Scope = Literal["event", "user"]
Unit = Literal["standard", "currency", "seconds"]
TextTest = Literal["equals", "contains", "begins", "ends", "pattern"]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="text"):
    """A field compared with a text; a field that is missing is the empty text. `pattern`: found anywhere in it."""

    field: str
    test: TextTest
    value: str
    case_sensitive: bool = False
    negated: bool = False


class OneOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="one of"):
    field: str
    values: tuple[str, ...]
    case_sensitive: bool = False
    negated: bool = False


class InNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="in network"):
    """Whether the truncated address lies in one of the networks (CIDR). A missing address lies in none."""

    networks: tuple[str, ...]
    negated: bool = False


class AllOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="all"):
    of: tuple["Condition", ...]
    negated: bool = False


class AnyOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="any"):
    of: tuple["Condition", ...]
    negated: bool = False


Leaf: TypeAlias = Text | OneOf | InNetwork
Condition: TypeAlias = Leaf | AllOf | AnyOf


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    name: str
    note: str = ""
    state: State = "on"


class FilterRule(_Rule, frozen=True, tag="filter"):
    """`exclude`: what matches is not counted. `include`: only what matches is."""

    action: Literal["exclude", "include"]
    when: Condition


class RewriteRule(_Rule, frozen=True, tag="rewrite"):
    """Changes one field of the events that match `when` (None: all).

    `lower_case`; `replace`: every `search` (a pattern, if `pattern`, whose groups `replacement` may name as $1 or
    ${name}) becomes `replacement`; `drop_parameters`: of the page's query those named, or all but those named.
    """

    field: str
    change: Literal["lower_case", "replace", "drop_parameters"]
    search: str = ""
    replacement: str = ""
    pattern: bool = False
    parameters: tuple[str, ...] = ()
    keep_only: bool = False
    when: Condition | None = None


class BotRule(_Rule, frozen=True, tag="bot"):
    """`allow` wins over the lists and over `block`."""

    action: Literal["block", "allow"]
    user_agent: str
    test: TextTest = "contains"


class SpamRule(_Rule, frozen=True, tag="spam"):
    """Referrers whose hits are not counted: these domains and those below them."""

    domains: tuple[str, ...]


class InternalRule(_Rule, frozen=True, tag="internal"):
    """Hits of the owner's own people: from these networks (of the truncated address), or with this `traffic_type`."""

    networks: tuple[str, ...] = ()
    traffic_type: str = ""


class ReferralRule(_Rule, frozen=True, tag="referral exclusion"):
    """Referrers that are no source, such as payment pages: these domains and those below them."""

    domains: tuple[str, ...]


class NamedGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One group of several; the first whose condition holds is the event's."""

    name: str
    when: Condition


class ChannelGroupRule(_Rule, frozen=True, tag="channel group"):
    """Dimension `sessionCustomChannelGroup:<name>`, by the session's first event."""

    channels: tuple[NamedGroup, ...]
    otherwise: str = "Unassigned"


class ContentGroupRule(_Rule, frozen=True, tag="content group"):
    """Dimension `contentGroup:<name>`. Without `otherwise`, other events are "(not set)"."""

    groups: tuple[NamedGroup, ...]
    otherwise: str = ""


class KeyEventRule(_Rule, frozen=True, tag="key event"):
    """Events that the site aims at. With `once` per session, only the first one of a session counts.

    `value` is a decimal number in the property's currency, `value_parameter` the event parameter that has it (it wins).
    `slot` identifies a once-a-session rule forever; publishing gives it, from 0 to 63.
    """

    event: str
    when: Condition | None = None
    once: Literal["event", "session"] = "event"
    value: str = ""
    value_parameter: str = ""
    slot: int | None = None


class CustomDimensionRule(_Rule, frozen=True, tag="custom dimension"):
    """Dimension `customEvent:<parameter>` or `customUser:<parameter>`, as the hit itself carries it."""

    parameter: str
    scope: Scope = "event"


class CustomMetricRule(_Rule, frozen=True, tag="custom metric"):
    """Metric `customEvent:<parameter>`: the sum of a parameter that is a number."""

    parameter: str
    unit: Unit = "standard"


Rule: TypeAlias = (
    FilterRule
    | RewriteRule
    | BotRule
    | SpamRule
    | InternalRule
    | ReferralRule
    | ChannelGroupRule
    | ContentGroupRule
    | KeyEventRule
    | CustomDimensionRule
    | CustomMetricRule
)


class PropertySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the whole property. Zone, timeout, threshold and currency of a property's past and future change
    together: when the version is applied to history.
    """

    zone: str = "Etc/UTC"
    currency: str = "USD"
    session_timeout_s: int = 1800
    engaged_s: int = 10
    domains: tuple[str, ...] = ()
    bot_lists: bool = True
    spam_list: bool = True


class Ruleset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of a property under one number; 0 if none are published."""

    property: int
    number: int = 0
    settings: PropertySettings = msgspec.field(default=PropertySettings(), name="basics")
    rules: tuple[Rule, ...] = ()
    format: int = FORMAT

    def of_kind(self, *kinds: type[Any]) -> list[Any]:
        """Returns the rules of the kinds that are on, in order."""
        return [rule for rule in self.rules if isinstance(rule, kinds) and rule.state == "on"]


class UnreadableRuleset(ValueError):
    """The data is not a ruleset, or has a format that this version cannot read; the message says where and why."""


def plain_ruleset(settings: ReceiveSettings) -> Ruleset:
    """Returns the ruleset of a property that has published none: no rules, and the settings of its hits."""
    own = PropertySettings(
        zone=settings.zone,
        currency=settings.currency,
        session_timeout_s=settings.session_timeout_s,
        domains=settings.domains,
    )
    return Ruleset(settings.id, 0, own)


def ruleset_name(property: int, number: int) -> str:
    """Returns the name of a ruleset in the store."""
    return f"rules-{property}-{number}"


def encode_ruleset(ruleset: Ruleset) -> bytes:
    return msgspec.json.encode(ruleset, order="deterministic")


def decode_ruleset(data: bytes) -> Ruleset:
    """Raises UnreadableRuleset."""
    try:
        found = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise UnreadableRuleset(str(error)) from error
    if found.format != FORMAT:
        raise UnreadableRuleset(f"format {found.format} is not {FORMAT}")
    return found


_decoder: Final = msgspec.json.Decoder(Ruleset)
