"""Converts client hints in headers into the parameters that GA4 uses for them."""

import re
from functools import lru_cache
from typing import Final

PREFIX: Final = "sec-ch-ua"
CACHED_CHARACTERS: Final = 1_024
BRAND: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*;\s*v="([^"]*)"')

TEXTS: Final = {
    "sec-ch-ua-arch": "uaa",
    "sec-ch-ua-bitness": "uab",
    "sec-ch-ua-model": "uam",
    "sec-ch-ua-platform": "uap",
    "sec-ch-ua-platform-version": "uapv",
}
FLAGS: Final = {"sec-ch-ua-mobile": "uamb", "sec-ch-ua-wow64": "uaw"}
BRANDS: Final = {"sec-ch-ua-full-version-list": "uafvl", "sec-ch-ua": "uafvl"}  # the first one that was sent counts


def hints(headers: dict[str, str]) -> dict[str, str]:
    """Returns parameters by name, without empty ones. `headers` have lower-case names."""
    sent = tuple(item for item in headers.items() if item[0].startswith(PREFIX))
    if not sent:
        return {}
    is_short = sum(len(value) for _, value in sent) <= CACHED_CHARACTERS
    return _cached(sent) if is_short else _convert(sent)


@lru_cache(4_096)
def _cached(sent: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return _convert(sent)


def _convert(sent: tuple[tuple[str, str], ...]) -> dict[str, str]:
    headers = dict(sent)
    parameters: dict[str, str] = {}
    for header, name in TEXTS.items():
        if header in headers:
            parameters[name] = headers[header].strip().removeprefix('"').removesuffix('"')
    for header, name in FLAGS.items():
        if header in headers:
            parameters[name] = headers[header].strip().lstrip("?")
    for header, name in BRANDS.items():
        parameters[name] = parameters.get(name) or _brands(headers.get(header, ""))
    return {name: value for name, value in parameters.items() if value}


def _brands(value: str) -> str:
    """Converts `"A";v="1", "B";v="2"` into `A;1|B;2`."""
    return "|".join(f"{brand};{version}" for brand, version in BRAND.findall(value))
