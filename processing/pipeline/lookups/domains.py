"""Finds a host, or a domain above it, in a list of domains or of host patterns."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

# The labels under which a site shows the pages of its bare domain: for telephones, in a language or on the way out. Not
# among them: help, mail, developers, blog and the like.
FRONT: Final = re.compile(
    r"www\d?|m|mobile|mobi|touch|mbasic|web|app|i|amp|beta|old|new|np|free"
    r"|l|lm|out|away|click|link|go|t|player|clips|embed|music|kids|tv"
    r"|(?!ai$|ir$)[a-z]{2}(?:-[a-z]{2})?"  # `ai` is a topic and `ir` for investors
)


def find_listed_domain(host: str, domains: Collection[str]) -> str | None:
    """Returns the longest domain of the list that is the host or lies above it, None if there is none.

    `shop.example.org` is found by `shop.example.org`, `example.org` and `org`. All names are in lower case.
    """
    return next((domain for domain in domains_above(host) if domain in domains), None)


def domains_above(host: str) -> Iterator[str]:
    """Yields the host and the domains that it lies below, the longest first."""
    labels = host.split(".")
    return (".".join(labels[first:]) for first in range(len(labels)))


class HostPatterns:
    """Values by host, from rows (pattern, value).

    `example.com` stands for that host alone, `.example.com` for it and its front hosts (`m.example.com`,
    `de.example.com`), and `*.example.com` for it and all hosts below it. Any other text is found as it is.
    """

    def __init__(self, rows: Iterable[list[str]]) -> None:
        self._exact: dict[str, str] = {}
        self._fronts: dict[str, str] = {}
        self._below: dict[str, str] = {}
        for pattern, value in rows:
            if pattern.startswith("*."):
                self._below[pattern[2:]] = value
            elif pattern.startswith("."):
                self._exact[pattern[1:]] = self._fronts[pattern[1:]] = value
            else:
                self._exact[pattern] = value

    def find(self, host: str) -> str | None:
        """Prefers the host itself to its site, and the longest domain above it."""
        if host in self._exact:
            return self._exact[host]
        label, _, site = host.partition(".")
        if site in self._fronts and FRONT.fullmatch(label):
            return self._fronts[site]
        above = find_listed_domain(host, self._below)
        return self._below[above] if above else None
