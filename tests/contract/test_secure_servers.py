"""What addresses say about TLS, users and passwords is honoured with real servers. A server that is not who it should
be, and a wrong password, are refused.
"""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import quote

import pytest

from analytics_site.databases import database
from collection.log import LogUnavailable, open_log, set_up_log
from configuration.addresses import parse_address
from tests.services.certificates import Certificates, make_certificates
from tests.services.fixtures import folder, running, sockets_let_go
from tests.services.kafka_broker import Kafka, Security
from tests.services.postgres_server import Postgres, program
from tests.services.redis_server import Redis

PASSWORD: Final = "s3cret/@:%"
ENCODED: Final = quote(PASSWORD, safe="")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure_kafka(certificates: Certificates) -> Iterator[Kafka]:
    security = Security("ann", PASSWORD, certificates.both)
    with sockets_let_go(), folder("kafka-tls") as path, running(service := Kafka(path, security=security)):
        yield service


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sasl", ["", "&sasl=PLAIN", "&sasl=SCRAM-SHA-512"])
def test_it_works(secure_kafka: Kafka, certificates: Certificates, sasl: str) -> None:
    url = f"kafka://ann:{ENCODED}@{secure_kafka.servers}/hits?tls=yes&cafile={certificates.ca}{sasl}"
    set_up_log(url, 1, 1)
    with closing(open_log(url)) as log:
        end = log.ends()[0]
        log.append([(b"key", b"value")])
        assert log.read(0, end, end)[0].value == b"value"


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "url",
    [
        "kafka://ann:wrong@{servers}/hits?tls=yes&cafile={ca}",
        "kafka://ann:{password}@{servers}/hits?tls=yes&cafile={other}",
        "kafka://ann:{password}@{servers}/hits?tls=yes",
        "kafka://ann:{password}@{servers}/hits",
        "kafka://{servers}/hits?tls=yes&cafile={ca}",
        "kafka://{servers}/hits",
    ],
)
def test_kafka_with_something_wrong(secure_kafka: Kafka, certificates: Certificates, url: str) -> None:
    address = url.format(
        servers=secure_kafka.servers, password=ENCODED, ca=certificates.ca, other=certificates.other_ca
    )
    with sockets_let_go(), closing(open_log(address, timeout_s=3)) as log, pytest.raises(LogUnavailable):
        log.ends()


@pytest.fixture(scope="module")
def secure_redis(certificates: Certificates) -> Iterator[Redis]:
    files = ["--tls-cert-file", str(certificates.server), "--tls-key-file", str(certificates.key)]
    options = [
        *files,
        "--tls-ca-cert-file",
        str(certificates.ca),
        "--tls-auth-clients",
        "no",
        "--requirepass",
        PASSWORD,
    ]
    with folder("redis-tls") as path, running(service := Redis(path, options, tls=True)):
        yield service


@pytest.fixture
def broker() -> ModuleType:
    pytest.importorskip("redis")
    from analytics_site import broker

    return broker


@pytest.mark.redis
@pytest.mark.parametrize(
    ("url", "works"),
    [
        ("rediss://:{password}@127.0.0.1:{port}/1?cafile={ca}", True),
        ("rediss://default:{password}@127.0.0.1:{port}?cafile={ca}", True),
        ("rediss://:wrong@127.0.0.1:{port}/1?cafile={ca}", False),
        ("rediss://127.0.0.1:{port}/1?cafile={ca}", False),
        ("rediss://:{password}@127.0.0.1:{port}/1?cafile={other}", False),
        ("rediss://:{password}@localhost:{port}/1?cafile={ca}", False),  # the certificate has another name
        ("rediss://:{password}@127.0.0.1:{port}/1", False),
        ("redis://:{password}@127.0.0.1:{port}/1", False),
    ],
)
def test_redis(broker: ModuleType, secure_redis: Redis, certificates: Certificates, url: str, works: bool) -> None:
    """Our own questions and Celery's messages."""
    from celery import Celery
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    address = parse_address(
        url.format(port=secure_redis.port, password=ENCODED, ca=certificates.ca, other=certificates.other_ca)
    )
    celery = Celery(broker=broker.celery_url(address))
    celery.conf.broker_use_ssl = broker.tls(address) or None
    celery.conf.broker_transport_options = {"socket_timeout": 5, "socket_connect_timeout": 5}

    def ask() -> None:
        with closing(broker.connect(address, 5)) as client:
            assert client.ping()
        with celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)

    if works:
        ask()
    else:
        with pytest.raises((RedisError, OperationalError)):
            ask()


@pytest.fixture(scope="module")
def secure_postgres(certificates: Certificates, postgres: Postgres) -> Iterator[Postgres]:
    """The running server, from now on with TLS, and a user who needs a password."""
    home = Path((postgres.folder / "home").read_text()) / "data"
    for source, name in ((certificates.server, "server.crt"), (certificates.key, "server.key")):
        (home / name).write_bytes(source.read_bytes())
        stat = home.stat()
        (home / name).chmod(0o600)
        import os

        os.chown(home / name, stat.st_uid, stat.st_gid)
    (home / "pg_hba.conf").write_text(
        "hostssl all ann 127.0.0.1/32 scram-sha-256\nhost all postgres all trust\nlocal all all trust\n"
    )
    psql = [program("psql"), postgres.address, "-qc"]
    for statement in (f"CREATE USER ann PASSWORD '{PASSWORD}'", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"):
        subprocess.run([*psql, statement], check=True, timeout=60)
    yield postgres
    for statement in ("ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()", "DROP USER ann"):
        subprocess.run([*psql, statement], check=True, timeout=60)


def connect(url: str) -> Any:
    """As Django does, with the settings that are made of the address."""
    from django.db.backends.postgresql.base import DatabaseWrapper

    entry = {
        **database(url),
        "TIME_ZONE": None,
        "CONN_HEALTH_CHECKS": False,
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
    }
    wrapper = DatabaseWrapper(entry, "other")
    with closing(wrapper.get_new_connection(wrapper.get_connection_params())) as connection:
        return connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("query", "works"),
    [
        ("?sslmode=verify-full&sslrootcert={ca}", True),
        ("?sslmode=require", True),
        ("?sslmode=verify-full&sslrootcert={other}", False),
        ("?sslmode=disable", False),
    ],
)
def test_postgres(secure_postgres: Postgres, certificates: Certificates, query: str, works: bool) -> None:
    from psycopg import OperationalError

    place = secure_postgres.address.partition("@")[2]
    url = f"postgres://ann:{ENCODED}@{place}{query}".format(ca=certificates.ca, other=certificates.other_ca)
    if works:
        assert connect(url) is True
        with pytest.raises(OperationalError):
            connect(url.replace(ENCODED, "wrong"))
    else:
        with pytest.raises(OperationalError):
            connect(url)
