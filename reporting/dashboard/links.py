"""Addresses of pages that differ from the one shown in a few parameters. Everything that a page shows is in its
address, so that it can be bookmarked, sent, and gone back from.
"""

from collections.abc import Sequence

from django.http import QueryDict


def link(query: QueryDict, /, **changes: str | Sequence[str]) -> str:
    """Returns `?…` with some parameters replaced; an empty text or sequence leaves a parameter out.

    >>> link(QueryDict("period=7d&f=country:is:Germany"), period="28d")
    '?f=country%3Ais%3AGermany&period=28d'
    """
    changed = query.copy()
    for name, value in changes.items():
        parameter = name.rstrip("_")  # from_ is the parameter "from", which is a word of Python
        changed.setlist(parameter, [each for each in ([value] if isinstance(value, str) else value) if each])
        if not changed.getlist(parameter):
            del changed[parameter]
    return f"?{changed.urlencode()}"


def others(query: QueryDict, *without: str) -> list[tuple[str, str]]:
    """Returns the parameters that a form must carry on as hidden fields: all but those that it sets."""
    return [(name, value) for name, values in query.lists() if name not in without for value in values]
