"""The broker that BROKER_URL names, for Celery and for our own questions."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from configuration.addresses import Address, parse_address
from configuration.outages import OUTAGES

TIMEOUT_S: Final = 10
PORT: Final = 6379


def server() -> Address:
    return parse_address(settings.BROKER_URL)


def tls(address: Address) -> dict[str, Any]:
    """Returns the driver's settings of TLS, {} without it. The server and its name are verified."""
    if address.scheme != "rediss":
        return {}
    files = {"cafile": "ssl_ca_certs", "certfile": "ssl_certfile", "keyfile": "ssl_keyfile"}
    given = {files[name]: path for name, path in address.options.items()}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **given}


def celery_url(address: Address) -> str:
    """Returns the address as Celery reads it: without TLS and its files, which it gets separately."""
    login = f"{quote(address.user, '')}:{quote(address.password, '')}@" if address.password else ""
    return f"redis://{login}{address.hosts[0]}/{address.path or 0}"


def connect(address: Address, timeout_s: float = TIMEOUT_S) -> Redis:
    host, security = address.hosts[0], tls(address)
    return Redis(
        host=host.name,
        port=host.port or PORT,
        db=int(address.path or 0),
        username=address.user or None,
        password=address.password or None,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        ssl=bool(security),
        **security,
    )


def queue_lengths(queues: Sequence[str], timeout_s: float = TIMEOUT_S) -> dict[str, int]:
    """Returns the number of waiting jobs by queue. Raises OSError if the broker does not answer."""
    try:
        with OUTAGES.watch("broker", RedisError), closing(connect(server(), timeout_s)) as broker:
            return {name: int(broker.llen(name)) for name in queues}
    except RedisError as error:
        raise OSError(f"the broker does not answer: {error}") from error
