"""The adapters that this process uses: which may be used together, and how they are named to people."""

from collections.abc import Collection, Iterator
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from configuration.addresses import is_server, parse_address

STATE: Final = {"log": "LOG_URL", "store": "STORE_URL", "database": "DATABASE_URL"}
PARTS: Final = (*STATE, "broker", "engine")


def check_adapters() -> None:
    """Raises ImproperlyConfigured where an embedded adapter would be used only because its address is missing."""
    servers = [name for name in (*STATE.values(), "BROKER_URL") if is_server(getattr(settings, name))]
    for part, name in STATE.items():
        if servers and not is_server(getattr(settings, name)) and name not in settings.GIVEN_ADDRESSES:
            raise ImproperlyConfigured(
                f"{name} is not set, but {' and '.join(servers)} {'names' if len(servers) == 1 else 'name'} a server."
                f" The {part} would be in the data folder of this machine, where no other machine finds it. Set {name}"
                f" to the server; if everything runs on this machine, set it to {getattr(settings, name)}."
            )


def in_use(parts: Collection[str] = PARTS) -> str:
    """Returns the addresses of the adapters, without passwords: the first line of commands that run for long."""
    return "Adapters: " + ", ".join(f"{part} {address}" for part, address in _addresses(parts))


def kinds_in_use(parts: Collection[str] = PARTS) -> str:
    """Returns the kinds of the adapters, for /readyz: who may ask there need not learn where the servers are."""
    return ", ".join(f"{part} {address.partition('://')[0]}" for part, address in _addresses(parts))


def _addresses(parts: Collection[str]) -> Iterator[tuple[str, str]]:
    for part, url in settings.ADAPTERS.items():
        if url and part in parts:
            yield part, parse_address(url).without_login()
