"""Parses addresses of servers and folders, such as `kafka://user:password@host:9092/hits?tls=yes`.

Each part of an address is honoured or refused, see `address_forms.py`.
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote

from configuration.address_forms import (
    BOTH,
    COUNT,
    FOR_REDIS,
    FORMS,
    LOOPBACK,
    NONE,
    ONE,
    REPLICATION,
    SERVERS,
    SEVERAL,
    USER,
    Address,
    Form,
    Host,
    InvalidAddress,
    Parameter,
)

__all__ = [
    "FORMS",
    "LOOPBACK",
    "REPLICATION",
    "Address",
    "Form",
    "Host",
    "InvalidAddress",
    "Parameter",
    "is_server",
    "parse_address",
]

ENCODE: Final = (
    "Percent-encode special characters of user and password: % as %25, / as %2F, ? as %3F, # as %23, @ as %40"
)
LARGEST_PORT: Final = 65535


_AFTER_SCHEME: Final = re.compile(
    r"(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#@]*))?", re.DOTALL
)
_PATH_ALONE: Final = re.compile(
    r"(?P<login>(?!))?(?P<hosts>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?", re.DOTALL
)
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


def parse_address(url: str, schemes: Collection[str] = FORMS, of: str = "") -> Address:
    """Parses an address with one of the schemes. `of` is what it is the address of, such as "a log", for errors.

    Raises InvalidAddress.
    """
    try:
        return _parse(url, schemes)
    except InvalidAddress as error:
        raise InvalidAddress(f"not the address of {of}: {error}" if of else str(error)) from None


def _parse(url: str, schemes: Collection[str]) -> Address:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in schemes:
        raise InvalidAddress(f"it must begin with {' or '.join(f'{name}://' for name in schemes)}")
    form = FORMS[scheme]
    found = (_PATH_ALONE if form.hosts == form.login == NONE else _AFTER_SCHEME).fullmatch(rest)
    if not found:
        raise InvalidAddress(f"it has a fragment (#…), or a part holds a character that ends it. {ENCODE}")
    user, password = _login(found["login"], form)
    hosts, path = _hosts(found["hosts"], form), _path(found["path"] or "", form)
    address = Address(scheme, user, password, hosts, path, _options(found["query"], form))
    if wrong := form.check(address):
        raise InvalidAddress(wrong)
    return address


def is_server(url: str) -> bool:
    """Returns whether the address names a server, not something of this machine."""
    return url.partition("://")[0] in SERVERS


def _login(text: str | None, form: Form) -> tuple[str, str]:
    if text is None:
        return "", ""
    if form.login == NONE:
        raise InvalidAddress("it has a user or a password, which addresses of this scheme do not have")
    user, _, password = text.partition(":")
    if form.login == BOTH and not (user and password):
        raise InvalidAddress("it has a user or a password, but not both")
    if form.login == USER and not user:
        raise InvalidAddress("it has a password without a user")
    if form.login == FOR_REDIS and not password:
        raise InvalidAddress("it has a user without a password")
    return _decoded(user, "user"), _decoded(password, "password")


def _hosts(text: str, form: Form) -> tuple[Host, ...]:
    if not text:
        if form.hosts in (ONE, SEVERAL):
            raise InvalidAddress("it has no host")
        return ()
    if form.hosts == NONE:
        raise InvalidAddress("it has a host: an address of a folder or file has three slashes, sqlite:///absolute/path")
    if form.hosts == COUNT:
        if not re.fullmatch("[0-9]{1,4}", text):
            raise InvalidAddress("after :// it has something else than a number from 0 to 9999")
        return (Host(text, None),)
    hosts = tuple(_host(each, form) for each in text.split(","))
    if form.hosts == ONE and len(hosts) > 1:
        raise InvalidAddress("it has several hosts, and only one is possible")
    return hosts


def _host(text: str, form: Form) -> Host:
    found = _HOST.fullmatch(text)
    if not found:
        raise InvalidAddress(f"a host or its port is not one. {ENCODE}")
    if found["port"] and not 1 <= int(found["port"]) <= LARGEST_PORT:
        raise InvalidAddress(f"the port of a host is not from 1 to {LARGEST_PORT}")
    if not found["port"] and form.port is None:
        raise InvalidAddress("a host has no port: write host:port")
    return Host(found["v6"] or found["name"], int(found["port"]) if found["port"] else form.port)


def _path(text: str, form: Form) -> str:
    path = _decoded(text, "path")
    if form.path is None:
        if path:
            raise InvalidAddress("it has a path, which addresses of this scheme do not have")
        return ""
    value = path if form.hosts == NONE else path.removeprefix("/")
    if not value and not form.path_required:
        return ""
    if not form.path.allows(value):
        raise InvalidAddress(f"its path {path!r} is not {form.path.words}")
    return value


def _options(text: str | None, form: Form) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in text.split("&") if text is not None else []:
        name, equals, raw = pair.partition("=")
        if name not in form.parameters:
            known = f"it has {', '.join(form.parameters)}" if form.parameters else "such an address has none"
            raise InvalidAddress(f"its parameter {name!r} is not known: {known}")
        value = _decoded(raw, f"parameter {name}")
        if name in options:
            raise InvalidAddress(f"its parameter {name} comes twice")
        if not equals or not form.parameters[name].allows(value):
            raise InvalidAddress(f"its parameter {name}={value!r} is not {form.parameters[name].words}")
        options[name] = value
    for name, (other, value) in form.together.items():
        if name in options and (other not in options or (value and options[other] != value)):
            raise InvalidAddress(f"its parameter {name} needs {other}{f'={value}' if value else ''} as well")
    return options


def _decoded(text: str, part: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise InvalidAddress(f"its {part} has a % that two hexadecimal digits do not follow. {ENCODE}")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidAddress(f"its {part} is not UTF-8 when it is decoded. {ENCODE}") from error
