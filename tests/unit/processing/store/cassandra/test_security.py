"""What STORE_URL says about users, TLS, data centers and patience reaches the driver."""

from typing import Any

import pytest

from analytics_site.databases import cluster
from processing.store.cassandra import session
from processing.store.cassandra.address import parse_address


def test_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Refused(Exception):
        pass

    def connect(hosts: object, **arguments: Any) -> None:
        given.update(arguments, hosts=hosts)
        raise Refused

    monkeypatch.setattr(session, "Cluster", connect)
    address = parse_address("cassandra://ann:p%40ss@a:9142,b:9142/stats?dc=dc1&tls=yes")
    with pytest.raises(Refused):
        session.CassandraSession(address, patience_s=3.0).run("SELECT x")
    assert (given["hosts"], given["port"]) == (("a", "b"), 9142)
    assert given["ssl_context"].check_hostname
    assert (given["auth_provider"].username, given["auth_provider"].password) == ("ann", "p@ss")
    assert given["connect_timeout"] == 1.0
    (profile,) = given["execution_profiles"].values()
    assert profile.request_timeout == 3.0
    assert profile.load_balancing_policy._child_policy.local_dc == "dc1"


def test_the_small_tables_use_the_same() -> None:
    connection = cluster("cassandra://ann:secret@a/stats?tls=yes")["cassandra"]["OPTIONS"]["connection"]
    assert connection["ssl_context"].check_hostname
    assert "ssl_context" not in cluster("cassandra://a/stats")["cassandra"]["OPTIONS"]["connection"]
