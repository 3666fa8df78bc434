"""Every address that Django answers, as the URL resolver knows them, with arguments that are valid or hostile."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
GROUP: Final = re.compile(r"\(\?P<(\w+)>[^()]*\)")


class Route(NamedTuple):
    """`parts` are fixed texts and, between them, the converter and the name of a parameter: ["api/", ("int", "id")]."""

    pattern: str
    parts: tuple[str | tuple[str, str], ...]

    def address(self, argument: Callable[[str, str], str]) -> str:
        """Returns the path; `argument` is called with the converter and the name of each parameter."""
        return "/" + "".join(part if isinstance(part, str) else argument(*part) for part in self.parts)


def routes() -> list[Route]:
    """Returns the routes in the order of the resolver, each once."""
    found = {pattern: Route(pattern, tuple(_parts(pattern))) for pattern in _patterns(get_resolver().url_patterns, "")}
    return list(found.values())


def _patterns(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        text = prefix + _without_syntax(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, text)
        else:
            yield text


def _without_syntax(text: str) -> str:
    """Writes a regular expression like a path: `^(?P<url>.*)$` -> `<path:url>`."""
    return GROUP.sub(r"<path:\1>", text).strip("^$").replace("\\Z", "").replace("\\", "") if "(?P" in text else text


def _parts(pattern: str) -> Iterator[str | tuple[str, str]]:
    end = 0
    for found in PARAMETER.finditer(pattern):
        yield pattern[end : found.start()]
        yield found[1] or "str", found[2]
        end = found.end()
    yield pattern[end:]
