"""The rules of a property as a document: for `manage.py rules export` and `import`, and for the API. Pure.

It has neither the number of the property nor of the version, so that another property can import it.
"""

import re
from typing import Any, Final

import msgspec

from configuration.ruleset.kinds import BY_TAG, ORDER, kind_of
from configuration.ruleset.ruleset import FORMAT, PropertySettings, Rule, Ruleset, UnreadableRuleset

LARGEST_DOCUMENT: Final = 2 * 2**20  # bytes


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A property's rules and the settings that are published with them; what is left out of the settings has its
    default.
    """

    format: int = FORMAT
    settings: PropertySettings
    rules: tuple[Rule, ...]


def to_document(ruleset: Ruleset) -> dict[str, Any]:
    """As plain values, without slots, which publishing gives."""
    whole = Document(settings=ruleset.settings, rules=in_order(ruleset.rules))
    plain: dict[str, Any] = msgspec.to_builtins(whole, str_keys=True)
    for rule in plain["rules"]:
        rule.pop("slot", None)
    return plain


def encode_document(ruleset: Ruleset) -> bytes:
    """As JSON for people: indented, with a final line end."""
    return msgspec.json.format(msgspec.json.encode(to_document(ruleset)), indent=2) + b"\n"


def decode_document(data: bytes, property: int) -> Ruleset:
    """Returns the ruleset of this property that a file describes.

    Raises UnreadableRuleset; the message names the place.
    """
    found = _decode(data)
    if found.format != FORMAT:
        raise UnreadableRuleset(f"Format {found.format} is not {FORMAT} - at `$.format`")
    return Ruleset(property, 0, found.settings, without_slots(found.rules))


def in_order(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Returns the rules sorted by kind; their order within a kind stays."""
    return tuple(sorted(rules, key=lambda rule: ORDER[kind_of(rule)]))


def without_slots(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(msgspec.structs.replace(rule, slot=None) if hasattr(rule, "slot") else rule for rule in rules)


def _decode(data: bytes) -> Document:
    try:
        if len(data) > LARGEST_DOCUMENT:
            raise UnreadableRuleset(f"The document has {len(data)} bytes; at most {LARGEST_DOCUMENT} are possible")
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise UnreadableRuleset(_in_words(str(error), data)) from error
    except UnicodeDecodeError as error:
        raise UnreadableRuleset("The document is not UTF-8") from error
    except RecursionError as error:
        raise UnreadableRuleset("The document is nested too deep") from error


def _in_words(message: str, data: bytes) -> str:
    """Names the possible kinds where the kind is wrong."""
    if re.search(r"Invalid value .* at `\$\.rules\[\d+\]\.kind`$", message):
        return f"{message}; kinds are {', '.join(BY_TAG)}"
    return message if data.strip() else "The document is empty"


_decoder: Final = msgspec.json.Decoder(Document)
