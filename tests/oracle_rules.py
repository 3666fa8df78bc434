"""What conditions must find, one row at a time in plain Python, from what the manual says. No code of the product's.

A row is a dict by field name; `address` is the truncated address. A missing field is the empty text.
"""

import ipaddress
from typing import Any

import re2

from configuration.ruleset import AllOf, AnyOf, Condition, InNetwork, OneOf, Text

LONGEST = 2_048
Row = dict[str, str | None]


def holds(condition: Condition, row: Row) -> bool:
    return _plain(condition, row) != condition.negated


def first(conditions: list[Condition], row: Row) -> int | None:
    return next((number for number, condition in enumerate(conditions) if holds(condition, row)), None)


def _plain(condition: Condition, row: Row) -> bool:
    match condition:
        case AllOf():
            return all(holds(part, row) for part in condition.of)
        case AnyOf():
            return any(holds(part, row) for part in condition.of)
        case InNetwork():
            return _in_network(condition.networks, row.get("address"))
        case OneOf():
            return any(_equal(condition, value, row) for value in condition.values)
        case Text():
            return _text(condition, (row.get(condition.field) or "")[:LONGEST])


def _in_network(networks: tuple[str, ...], address: str | None) -> bool:
    return address is not None and any(ipaddress.ip_address(address) in ipaddress.ip_network(n) for n in networks)


def _equal(condition: OneOf, value: str, row: Row) -> bool:
    text = (row.get(condition.field) or "")[:LONGEST]
    return text == value or (not condition.case_sensitive and text.lower() == value.lower())


def _text(condition: Text, text: str) -> bool:
    if condition.test == "pattern":
        options: Any = re2.Options()
        options.case_sensitive = condition.case_sensitive
        return re2.compile(condition.value, options).search(text) is not None
    value = condition.value
    if not condition.case_sensitive:
        text, value = text.lower(), value.lower()
    tests = {"equals": str.__eq__, "contains": str.__contains__, "begins": str.startswith, "ends": str.endswith}
    return bool(tests[condition.test](text, value))
