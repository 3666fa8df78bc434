"""Finds a host, or a domain above it, in a list of domains."""

from collections.abc import Collection


def find_listed_domain(host: str, domains: Collection[str]) -> str | None:
    """Returns the longest domain of the list that is the host or lies above it, None if there is none.

    `shop.example.org` is found by `shop.example.org`, `example.org` and `org`. All names are in lower case.
    """
    labels = host.split(".")
    candidates = (".".join(labels[first:]) for first in range(len(labels)))
    return next((domain for domain in candidates if domain in domains), None)
