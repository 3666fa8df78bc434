"""Findings of the check of a ruleset, and the small checks that several parts of it share. Pure: no Django."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from configuration.ruleset.domain_names import read_domain

LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 1_024
MOST_VALUES: Final = 1_000
_PARAMETER: Final = re.compile(r"[^\W\d]\w{0,39}")


class Finding(NamedTuple):
    """Something wrong at a `place`, such as `rules[3].when.of[1].value`; `message` says what, and what to do about it.

    A ruleset with an error cannot be published; one with warnings can.
    """

    kind: str
    rule: str
    place: str
    message: str
    severity: Literal["error", "warning"] = "error"


class RulePlace(NamedTuple):
    """The place in a ruleset that is being checked."""

    kind: str
    rule: str
    path: str

    def at(self, step: str | int) -> "RulePlace":
        """Returns a part of this place: a field by its name, or an entry of a list by its number."""
        return self._replace(path=f"{self.path}[{step}]" if isinstance(step, int) else f"{self.path}.{step}")

    def error(self, message: str) -> Finding:
        return Finding(self.kind, self.rule, self.path, message)

    def warning(self, message: str) -> Finding:
        return Finding(self.kind, self.rule, self.path, message, "warning")


def check_name(text: str, place: RulePlace, what: str = "name") -> Iterator[Finding]:
    if not text.strip():
        yield place.error(f"The {what} is empty; write one.")
    elif len(text) > LONGEST_NAME:
        yield place.error(f"The {what} has {len(text)} characters; at most {LONGEST_NAME} are allowed.")


def check_length(text: str, place: RulePlace, most: int = LONGEST_VALUE) -> Iterator[Finding]:
    if len(text) > most:
        yield place.error(f"The text has {len(text)} characters; at most {most} are allowed.")


def check_count(values: Sequence[str], place: RulePlace) -> Iterator[Finding]:
    if not values:
        yield place.error("The list is empty; write at least one entry.")
    elif len(values) > MOST_VALUES:
        yield place.error(f"The list has {len(values)} entries; at most {MOST_VALUES} are allowed.")


def check_parameter(name: str, place: RulePlace) -> Iterator[Finding]:
    if not _PARAMETER.fullmatch(name):
        yield place.error(
            f"{name[:60]!r} is not the name of a parameter: a letter, then letters, digits and underscores, at most 40."
        )


def check_domains(domains: Sequence[str], place: RulePlace) -> Iterator[Finding]:
    for number, domain in enumerate(domains[: MOST_VALUES + 1]):
        if read_domain(domain) is None:
            yield place.at(number).error(f"{domain[:60]!r} is not a domain name; write one like pay.example.com.")
