"""The processes that the commands start, and a check of their readiness."""

import http.client
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.core.management.base import CommandError

from analytics_site.supervisor import ProcessSpec

LOOPBACK_OF: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- looked up, not bound to
READINESS_TIMEOUT_S: Final = 1.0


def server(name: str, module: str, host: str, port: int) -> ProcessSpec:
    """Returns a server of the module's `application`."""
    arguments = ("-m", "collection.server", f"{module}:application", "--host", host, "--port", str(port))
    return ProcessSpec(name, (sys.executable, *arguments, *connection_limits()))


def connection_limits() -> Iterator[str]:
    """Yields the arguments of `collection.server` that bound what clients may take."""
    limits = {
        "connections": settings.CONNECTIONS,
        "per-address": settings.CONNECTIONS_PER_ADDRESS,
        "request-seconds": settings.REQUEST_SECONDS,
        "write-seconds": settings.WRITE_SECONDS,
        "keep-alive-seconds": settings.KEEP_ALIVE_SECONDS,
    }
    yield from (f"--{name}={value}" for name, value in limits.items())
    yield from (f"--proxy={network}" for network in settings.TRUSTED_PROXIES)


def manage(*arguments: str) -> tuple[str, ...]:
    """Returns the command line of `manage.py`."""
    return (sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments)


def is_ready(host: str, port: int) -> bool:
    """Returns whether the server at this address answers /readyz with 200."""
    client = http.client.HTTPConnection(LOOPBACK_OF.get(host, host), port, timeout=READINESS_TIMEOUT_S)
    try:
        with suppress(OSError, http.client.HTTPException):
            client.request("GET", "/readyz")
            return client.getresponse().status == http.HTTPStatus.OK
    finally:
        client.close()
    return False


def check_port_is_free(host: str, port: int) -> None:
    """Raises CommandError if the port cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = "Choose another port, for instance HITSTREAM_PORT=8001."
            raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}. {advice}") from error
