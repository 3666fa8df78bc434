"""The processes that commands start, and whether they are ready."""

import http.client
import socket
import sys
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.core.management.base import CommandError

from analytics_site.supervisor import ProcessSpec

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- looked up, not bound to
READINESS_TIMEOUT_S: Final = 1.0


def server(name: str, module: str, host: str, port: int) -> ProcessSpec:
    """The module's `application` behind a server."""
    words = ("-m", "collection.server", f"{module}:application", "--host", host, "--port", str(port))
    return ProcessSpec(name, (sys.executable, *words))


def manage(*words: str) -> tuple[str, ...]:
    return (sys.executable, str(settings.BASE_DIR / "manage.py"), *words)


def ready(host: str, port: int) -> bool:
    """Whether what listens there says so."""
    client = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=READINESS_TIMEOUT_S)
    try:
        with suppress(OSError, http.client.HTTPException):
            client.request("GET", "/readyz")
            return client.getresponse().status == http.HTTPStatus.OK
    finally:
        client.close()
    return False


def refuse_taken_port(host: str, port: int) -> None:
    """Raises CommandError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"Cannot answer on {host} port {port}: {error.strerror}. Choose another: HITSTREAM_PORT=8001"
            raise CommandError(message) from error
