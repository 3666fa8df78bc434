"""Whether a host is one of some domains, or below one."""

from collections.abc import Collection


def listed(host: str, domains: Collection[str]) -> str | None:
    """The domain that the host is or lies below, the longest of several; None where there is none. Small letters."""
    labels = host.split(".")
    above = (".".join(labels[first:]) for first in range(len(labels)))
    return next((domain for domain in above if domain in domains), None)
