"""Addresses of servers and folders, such as `kafka://user:password@host:9092/hits?tls=yes`.

Each part of an address is honoured or refused: FORMS says which parts the addresses of a scheme have. A test compares
it with docs/manual/addresses.md.
"""

import os
import re
import ssl
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

ENCODE: Final = (
    "Percent-encode special characters of user and password: % as %25, / as %2F, ? as %3F, # as %23, @ as %40"
)
LARGEST_PORT: Final = 65535
LOOPBACK: Final = "127.0.0.1"


class InvalidAddress(ValueError):
    """Says which part of an address is wrong, without user and password."""


class Host(NamedTuple):
    """`port` is None if the address has none."""

    name: str
    port: int | None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


class Address(NamedTuple):
    """The decoded parts. `path` has no leading slash, except that of a folder or file."""

    scheme: str
    user: str
    password: str
    hosts: tuple[Host, ...]
    path: str
    options: Mapping[str, str]

    def is_on(self, option: str) -> bool:
        return self.options.get(option) == "yes"

    def tls(self) -> ssl.SSLContext | None:
        """Returns what a connection needs whose server is verified, its name included; None without `tls=yes`."""
        if not self.is_on("tls"):
            return None
        context = ssl.create_default_context(cafile=self.options.get("cafile"))
        if "certfile" in self.options:
            context.load_cert_chain(self.options["certfile"], self.options.get("keyfile"))
        return context

    def without_login(self) -> str:
        """Returns the address as it may be shown: without user, password and options."""
        hosts = ",".join(map(str, self.hosts))
        return f"{self.scheme}://{hosts}{'/' if self.path and self.hosts else ''}{self.path}"


class Parameter(NamedTuple):
    """What a parameter's value may be, and that in words."""

    allows: Callable[[str], object]
    words: str


class Form(NamedTuple):
    """What the addresses of a scheme may say. `hosts` and `path` are what is allowed, in words of the manual.

    `login`: which of user and password it may have. `port`: what a host without one has; None if each must have one.
    `together`: parameters that must not be given without another one.
    """

    login: str = "none"
    hosts: str = "none"
    port: int | None = None
    path: Parameter | None = None
    path_required: bool = False
    parameters: Mapping[str, Parameter] = {}
    together: Mapping[str, tuple[str, str]] = {}
    check: Callable[["Address"], str] = lambda _: ""  # returns what else is wrong


def pattern(expression: str, words: str) -> Parameter:
    return Parameter(re.compile(expression, re.ASCII).fullmatch, words)


def one_of(*values: str) -> Parameter:
    return Parameter(values.__contains__, " or ".join(values))


def _check_ports(address: Address) -> str:
    ports = {port for _, port in address.hosts}
    return "its hosts have different ports: the nodes of a cluster have one" if len(ports) > 1 else ""


def _check_mechanism(address: Address) -> str:
    return "its parameter sasl needs a user and a password" if "sasl" in address.options and not address.user else ""


def _check_threads(address: Address) -> str:
    return "it has 0 threads" if address.hosts and int(address.hosts[0].name) == 0 else ""


def _check_driver(address: Address) -> str:
    is_local = all(name in (LOOPBACK, "localhost") for name, _ in address.hosts)
    return (
        ""
        if is_local or "driver" in address.options
        else (
            "its master is another machine, so it needs ?driver= and the address at which its executors reach this one"
        )
    )


def _is_readable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.R_OK)


NONE: Final = "none"
USER: Final = "user, or user and password"
BOTH: Final = "user and password, or neither"
FOR_REDIS: Final = "password, or user and password"
ONE: Final = "one"
COUNT: Final = "a number"  # of processes or threads, in the place of a host
OPTIONAL: Final = "any number"
SEVERAL: Final = "one or more"

FILE: Final = Parameter(_is_readable, "a file that can be read")
CERTIFICATES: Final = {"cafile": FILE, "certfile": FILE, "keyfile": FILE}
TLS: Final = {"tls": one_of("yes", "no"), **CERTIFICATES}
NEEDS_TLS: Final = {"cafile": ("tls", "yes"), "certfile": ("tls", "yes"), "keyfile": ("certfile", "")}
NEEDS_CERTIFICATE: Final = {"keyfile": ("certfile", "")}
HOST: Final = pattern(r"[\w.:-]+", "a host")
REPLICATION: Final = pattern(
    r"[0-9]+|[\w-]+:[0-9]+(,[\w-]+:[0-9]+)*", "a number, or names of data centers with numbers"
)

_POSTGRES: Final = Form(
    login=USER,
    hosts=OPTIONAL,
    port=5432,
    path=pattern(r"[^/\0]+", "the name of a database"),
    path_required=True,
    parameters={
        "sslmode": one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        "sslrootcert": Parameter(lambda value: value == "system" or _is_readable(value), "system or " + FILE.words),
        "sslcert": FILE,
        "sslkey": FILE,
        "sslcrl": FILE,
        "channel_binding": one_of("disable", "prefer", "require"),
        "target_session_attrs": one_of("any", "read-write", "primary"),
        "connect_timeout": pattern("[1-9][0-9]?", "1 to 99 seconds"),
        "application_name": pattern(r"[ -~]{1,63}", "at most 63 printable characters"),
    },
    together={"sslkey": ("sslcert", "")},
)
_DATABASE_NUMBER: Final = pattern("[0-9]{1,3}", "the number of a database")

FORMS: Final[Mapping[str, Form]] = {
    "sqlite": Form(path=pattern(r"/[^\0]+", "an absolute path"), path_required=True),
    "kafka": Form(
        login=BOTH,
        hosts=SEVERAL,
        port=None,
        path=pattern(r"[\w.-]{1,249}", "a topic"),
        parameters={"sasl": one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), **TLS},
        together=NEEDS_TLS,
        check=_check_mechanism,
    ),
    "cassandra": Form(
        login=BOTH,
        hosts=SEVERAL,
        port=9042,
        path=pattern("[a-z][a-z0-9_]{0,47}", "a keyspace: small letters, digits and _"),
        path_required=True,
        parameters={"dc": pattern(r"[\w-]+", "the name of a data center"), "replication": REPLICATION, **TLS},
        together=NEEDS_TLS,
        check=_check_ports,
    ),
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "redis": Form(login=FOR_REDIS, hosts=ONE, port=6379, path=_DATABASE_NUMBER),
    "rediss": Form(
        login=FOR_REDIS,
        hosts=ONE,
        port=6379,
        path=_DATABASE_NUMBER,
        parameters=CERTIFICATES,
        together=NEEDS_CERTIFICATE,
    ),
    "processes": Form(hosts=COUNT),
    "spark": Form(hosts=SEVERAL, port=None, parameters={"driver": HOST}, check=_check_driver),
    "spark-local": Form(hosts=COUNT, check=_check_threads),
}
SERVERS: Final = frozenset(FORMS) - {"sqlite", "processes", "spark-local"}

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
