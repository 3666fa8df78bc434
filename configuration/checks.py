"""What is wrong with rules."""

from typing import Literal, NamedTuple

from configuration.ruleset import Ruleset


class Finding(NamedTuple):
    kind: str
    rule: str
    place: str
    message: str
    severity: Literal["error", "warning"]


def check(ruleset: Ruleset) -> list[Finding]:
    return []
