"""Client hints in headers, written as GA4 writes them in parameters."""

import re
from functools import lru_cache
from typing import Final

PREFIX: Final = "sec-ch-ua"
LONGEST_REMEMBERED: Final = 1_024
BRAND: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*;\s*v="([^"]*)"')

TEXTS: Final = {
    "sec-ch-ua-arch": "uaa",
    "sec-ch-ua-bitness": "uab",
    "sec-ch-ua-model": "uam",
    "sec-ch-ua-platform": "uap",
    "sec-ch-ua-platform-version": "uapv",
}
FLAGS: Final = {"sec-ch-ua-mobile": "uamb", "sec-ch-ua-wow64": "uaw"}
BRANDS: Final = {"sec-ch-ua-full-version-list": "uafvl", "sec-ch-ua": "uafvl"}  # the first that is there counts


def hints(headers: dict[str, str]) -> dict[str, str]:
    """`headers` have lower-case names. Of headers that say nothing there is no entry."""
    sent = tuple(item for item in headers.items() if item[0].startswith(PREFIX))
    if not sent:
        return {}
    short = sum(len(value) for _, value in sent) <= LONGEST_REMEMBERED
    return _remembered(sent) if short else _read(sent)


@lru_cache(4_096)
def _remembered(sent: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return _read(sent)


def _read(sent: tuple[tuple[str, str], ...]) -> dict[str, str]:
    headers = dict(sent)
    found = {name: _unquoted(headers[header]) for header, name in TEXTS.items() if header in headers}
    found |= {name: headers[header].strip().lstrip("?") for header, name in FLAGS.items() if header in headers}
    for header, name in BRANDS.items():
        found.setdefault(name, _brands(headers.get(header, "")))
        found = {key: value for key, value in found.items() if value}
    return found


def _unquoted(value: str) -> str:
    return value.strip().removeprefix('"').removesuffix('"')


def _brands(value: str) -> str:
    """`"A";v="1", "B";v="2"` is `A;1|B;2` as a parameter."""
    return "|".join(f"{brand};{version}" for brand, version in BRAND.findall(value))
