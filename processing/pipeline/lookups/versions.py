"""Reads versions of browsers and operating systems. What does not look like a version is none: it is hostile text."""

from typing import Final

import re2

LONGEST_VERSION: Final = 32
_VERSION: Final = re2.compile(rf"[0-9][0-9.]{{0,{LONGEST_VERSION - 1}}}")
_SYSTEM_VERSION: Final = re2.compile(rf"[0-9A-Za-z][0-9A-Za-z. ]{{0,{LONGEST_VERSION - 1}}}")
_OLD_WINDOWS: Final = {"1": "7", "2": "8", "3": "8.1"}  # by the minor version of platform version 0
_FIRST_WINDOWS_11: Final = 13  # platform version; that of Windows 10 is 1 to 10


def plain_version(text: str) -> str | None:
    return text if _VERSION.fullmatch(text) else None


def version_behind(sign: str, text: str) -> str | None:
    """Reads the version behind a part of a user agent: behind `OPR/` in `… OPR/110.0.0.0 …` stands `110.0.0.0`."""
    found = _VERSION.match(text.partition(sign)[2])
    return found[0].rstrip(".") if found else None


def system_version(text: str) -> str | None:
    """Leaves out zeros at the end: `10.0.0` is `10`. Old ones are words, such as XP."""
    if not _SYSTEM_VERSION.fullmatch(text):
        return None
    while text.endswith(".0"):
        text = text.removesuffix(".0")
    return text


def system_version_of_hint(system: str | None, platform_version: str) -> str | None:
    """Reads the platform version of client hints, which numbers Windows in its own way: `15.0.0` is Windows 11."""
    if system != "Windows" or not plain_version(platform_version):
        return system_version(platform_version) if plain_version(platform_version) else None
    major, _, rest = platform_version.partition(".")
    if int(major) == 0:
        return _OLD_WINDOWS.get(rest.partition(".")[0])
    return "11" if int(major) >= _FIRST_WINDOWS_11 else "10"
