"""What BROKER_URL says reaches the drivers; while the broker is away, beat goes on."""

from typing import Any

import pytest

from configuration.addresses import parse_address

pytest.importorskip("celery", reason="make dev-cluster installs it")
pytest.importorskip("redis")

from analytics_site import broker


def test_it_works() -> None:
    address = parse_address(f"rediss://ann:p%40ss%2F@10.0.0.5:7000/3?cafile={__file__}&certfile={__file__}")
    assert broker.celery_url(address) == "redis://ann:p%40ss%2F@10.0.0.5:7000/3"
    assert broker.tls(address) == {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": __file__,
        "ssl_certfile": __file__,
    }
    arguments: dict[str, Any] = broker.connect(address).connection_pool.connection_kwargs
    wanted = {"host": "10.0.0.5", "port": 7000, "db": 3, "username": "ann", "password": "p@ss/"}
    assert {name: arguments[name] for name in wanted} == wanted


def test_without_tls_and_login() -> None:
    address = parse_address("redis://10.0.0.5")
    assert broker.celery_url(address) == "redis://10.0.0.5:6379/0"
    assert broker.tls(address) == {}
    assert broker.connect(address).connection_pool.connection_kwargs["password"] is None
