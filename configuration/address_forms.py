"""What the addresses of each scheme may say. A test compares FORMS with docs/manual/addresses.md."""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

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
