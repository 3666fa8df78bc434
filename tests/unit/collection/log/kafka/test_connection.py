"""What LOG_URL says about TLS and SASL reaches Kafka's driver."""

import pytest

from configuration.addresses import parse_address

pytest.importorskip("kafka", reason="make dev-cluster installs it")

from collection.log.kafka.connection import security


def test_it_works() -> None:
    found = security(parse_address("kafka://ann:p%40ss@a:1/hits?tls=yes"))
    assert found.pop("ssl_context").check_hostname
    assert found == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ann",
        "sasl_plain_password": "p@ss",
    }


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("kafka://a:1/hits", "PLAINTEXT"),
        ("kafka://a:1/hits?tls=no", "PLAINTEXT"),
        ("kafka://a:1/hits?tls=yes", "SSL"),
        ("kafka://ann:secret@a:1/hits?sasl=PLAIN", "SASL_PLAINTEXT"),
    ],
)
def test_the_protocol_follows_from_what_is_given(url: str, protocol: str) -> None:
    assert security(parse_address(url))["security_protocol"] == protocol
