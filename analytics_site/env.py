"""Reads settings from the environment, one typed helper per kind. A bad value raises ImproperlyConfigured."""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from configuration.addresses import FORMS, InvalidAddress, parse_address
from configuration.private_files import OTHERS, NotPrivate, make_private_folder

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
YES: Final = frozenset({"1", "true", "yes", "on"})
NO: Final = frozenset({"0", "false", "no", "off"})


class Setting(NamedTuple):
    name: str
    default: str
    kind: str


DECLARED: Final[dict[str, Setting]] = {}


def override(variables: Mapping[str, str]) -> None:
    """Sets variables of the environment, for this process and those that it starts."""
    os.environ.update(variables)


def is_set(name: str) -> bool:
    return bool(os.environ.get(name, "").strip())


def text(name: str, default: str = "") -> str:
    return _read(name, default, "text")


def yes_or_no(name: str, default: bool) -> bool:
    value = _read(name, "1" if default else "0", "yes or no").lower()
    if value not in YES | NO:
        raise _invalid(name, value, f"one of {', '.join(sorted(YES | NO))}")
    return value in YES


def number(name: str, default: int, low: int, high: int) -> int:
    value = _read(name, str(default), f"number {low} to {high}")
    if not value.isascii() or not value.isdecimal() or not low <= int(value) <= high:
        raise _invalid(name, value, f"a whole number from {low} to {high}")
    return int(value)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = _read(name, default, " or ".join(allowed))
    if value not in allowed:
        raise _invalid(name, value, f"one of {', '.join(allowed)}")
    return value


def folder(name: str, default: Path) -> Path:
    """Returns an absolute path to a folder, created if it is missing, readable by its owner only.

    Files that this process makes from now on are, too.
    """
    os.umask(OTHERS)
    value = Path(_read(name, str(default), "folder")).expanduser().absolute()
    try:
        make_private_folder(value)
    except NotPrivate as error:
        raise ImproperlyConfigured(f"{name} is not allowed: {error}.") from error
    except OSError as error:
        raise _invalid(name, str(value), f"a folder that can be written ({error.strerror})") from error
    if not os.access(value, os.W_OK | os.X_OK):
        raise _invalid(name, str(value), "a folder that this user can write, on a file system that is not read-only")
    return value


def file(name: str) -> Path | None:
    """Returns the path of an existing file, or None if the variable is empty."""
    value = _read(name, "", "file")
    if value and not Path(value).expanduser().is_file():
        raise _invalid(name, value, "the path of an existing file, or empty")
    return Path(value).expanduser().absolute() if value else None


def url(name: str, default: str, schemes: tuple[str, ...], *, optional: bool = False) -> str:
    """Returns an address with one of the schemes, all of whose parts are understood; empty only if it is optional."""
    value = _read(name, default, "address " + " or ".join(f"{scheme}://" for scheme in schemes))
    if optional and not value:
        return ""
    if "://" not in value or _scheme(value) not in schemes:
        allowed = "an address that begins " + " or ".join(f"{scheme}://" for scheme in schemes)
        raise _invalid(name, without_user(value), allowed)
    if set(schemes).isdisjoint(FORMS):
        return value  # a page of the web
    try:
        parse_address(value).tls()
    except InvalidAddress as error:
        raise ImproperlyConfigured(f"{name} is not allowed: {error}.") from None
    except ssl.SSLError as error:
        raise ImproperlyConfigured(
            f"{name} is not allowed: a file of TLS holds no certificate or key ({error})."
        ) from None
    return value


def without_user(address: str) -> str:
    """Removes user and password: `redis://me:secret@host` -> `redis://…@host`. They may hold any text if unencoded."""
    return re.sub(r"^(\w[\w+.-]*://)?.*@", r"\1…@", address, flags=re.DOTALL)


def words(name: str) -> list[str]:
    """Words separated by commas, without empty ones."""
    return [word for part in _read(name, "", "list").split(",") if (word := part.strip())]


def networks(name: str) -> list[Network]:
    """Addresses or networks separated by commas, such as `10.0.0.0/8, ::1`."""
    try:
        return [ipaddress.ip_network(word, strict=False) for word in words(name)]
    except ValueError as error:
        raise _invalid(name, os.environ.get(name, ""), "addresses or networks separated by commas") from error


def _scheme(address: str) -> str:
    """Returns "" if the text is not an address."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _read(name: str, default: str, kind: str) -> str:
    DECLARED[name] = Setting(name, default, kind)
    return os.environ.get(name, "").strip() or default


def _invalid(name: str, value: str, allowed: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}={value!r} is not allowed: it must be {allowed}.")
