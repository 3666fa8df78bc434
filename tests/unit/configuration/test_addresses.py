"""Every part of an address is honoured or refused; a refusal names the part, and never the user or the password."""

from pathlib import Path

import pytest

from configuration.addresses import Address, Host, InvalidAddress, is_server, parse_address


def test_it_works() -> None:
    found = parse_address("kafka://ann:p%40ss%2F@a:9092,[2001:db8::1]:9093/hits?sasl=PLAIN&tls=yes")
    hosts = (Host("a", 9092), Host("2001:db8::1", 9093))
    assert found == Address("kafka", "ann", "p@ss/", hosts, "hits", {"sasl": "PLAIN", "tls": "yes"})
    assert found.without_login() == "kafka://a:9092,[2001:db8::1]:9093/hits"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///srv/with%20space/a@b", "sqlite:///srv/with space/a@b"),
        ("kafka://a:1", "kafka://a:1"),
        ("cassandra://ann:secret@a,b/stats?dc=dc1&replication=dc1:3", "cassandra://a:9042,b:9042/stats"),
        ("postgres:///stats", "postgres://stats"),
        ("postgres://ann@a,b:5433/stats?target_session_attrs=primary", "postgres://a:5432,b:5433/stats"),
        ("redis://:secret@a/2", "redis://a:6379/2"),
        ("redis://ann:secret@a:7000", "redis://a:7000"),
        ("processes://", "processes://"),
        ("processes://0", "processes://0"),
        ("spark://127.0.0.1:7077", "spark://127.0.0.1:7077"),
        ("spark://10.0.0.1:7077?driver=10.0.0.7", "spark://10.0.0.1:7077"),
    ],
)
def test_an_address_is_shown_without_user_password_and_parameters(url: str, shown: str) -> None:
    assert parse_address(url).without_login() == shown


REFUSED = [
    ("mysql://ann:secret@a/b", "must begin with"),
    ("sqlite://host/path", "it has a host"),
    ("sqlite:///", "is not an absolute path"),
    ("sqlite:///a?mode=ro", "parameter 'mode' is not known"),
    ("sqlite:///a#secret", "has a fragment"),
    ("kafka://a/hits", "has no port"),
    ("kafka://a:0/hits", "not from 1 to 65535"),
    ("kafka://a:65536/hits", "not from 1 to 65535"),
    ("kafka://a:1,/hits", "a host or its port"),
    ("kafka:///hits", "it has no host"),
    ("kafka://a:1/hits/more", "is not a topic"),
    ("kafka://ann@a:1/hits", "not both"),
    ("kafka://:secret@a:1/hits", "not both"),
    ("kafka://a:1/hits?sasl=PLAIN", "sasl needs a user"),
    ("kafka://ann:secret@a:1/hits?sasl=GSSAPI", "is not PLAIN or"),
    ("kafka://ann:secret@a:1/hits?security_protocol=SSL", "parameter 'security_protocol' is not known"),
    ("kafka://a:1/hits?tls", "parameter tls='' is not yes or no"),
    ("kafka://a:1/hits?tls=yes&tls=no", "tls comes twice"),
    ("kafka://a:1/hits?tls=yes&cafile=/no/such/file", "is not a file that can be read"),
    (f"kafka://a:1/hits?cafile={__file__}", "cafile needs tls=yes"),
    (f"kafka://a:1/hits?tls=no&cafile={__file__}", "cafile needs tls=yes"),
    (f"kafka://a:1/hits?tls=yes&keyfile={__file__}", "keyfile needs certfile"),
    ("cassandra://a/Stats", "is not a keyspace"),
    ("cassandra://a:1,b:2/stats", "different ports"),
    ("cassandra://ann@a/stats", "not both"),
    ("cassandra://a/stats?ssl=true", "parameter 'ssl' is not known"),
    ("cassandra://a/stats?dc=", "is not the name of a data center"),
    ("postgres://a", "is not the name of a database"),
    ("postgres://ann:sec/ret@a/b", "Percent-encode"),
    ("postgres://ann:sec%zzret@a/b", "its password has a %"),
    ("postgres://ann:%ff@a/b", "its password is not UTF-8"),
    ("postgres://:secret@a/b", "a password without a user"),
    ("postgres://a/b?sslmode=verify_full", "sslmode='verify_full' is not disable or"),
    ("postgres://a/b?options=-csearch_path", "parameter 'options' is not known"),
    ("redis://a,b/0", "several hosts"),
    ("redis://ann@a/0", "a user without a password"),
    ("redis://a/zero", "is not the number of a database"),
    ("redis://a/0?ssl_cert_reqs=none", "such an address has none"),
    ("rediss://a/0?ssl_cert_reqs=none", "parameter 'ssl_cert_reqs' is not known"),
    ("processes://many", "something else than a number"),
    ("processes://2/3", "it has a path"),
    ("processes://2?more=1", "parameter 'more' is not known"),
    ("spark://10.0.0.1:7077", "needs ?driver="),
    ("spark://ann:secret@127.0.0.1:7077", "user or a password"),
    ("spark-local://0", "0 threads"),
]


@pytest.mark.parametrize(("url", "complaint"), REFUSED, ids=[url for url, _ in REFUSED])
def test_others_are_refused_with_the_part(url: str, complaint: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        parse_address(url)
    assert complaint in str(refused.value)
    assert not any(part in str(refused.value) for part in ("ann:", "'ann", "secret", "sec/ret", "ret@"))


def test_the_port_that_wants_it_is_named() -> None:
    with pytest.raises(InvalidAddress, match="not the address of a log: it must begin with sqlite:// or kafka://"):
        parse_address("redis://a", ("sqlite", "kafka"), of="a log")


def test_servers_are_told_from_what_is_on_this_machine(tmp_path: Path) -> None:
    assert all(map(is_server, ("kafka://a:1", "cassandra://a/b", "postgres://a/b", "redis://a", "spark://a:1")))
    assert not any(map(is_server, ("", f"sqlite://{tmp_path}", "processes://4", "spark-local://2")))
