"""`python -m tests.on_postgres [pytest's arguments]`: the tests that use the database, on PostgreSQL.

Without arguments: those of `tests/unit` and `tests/web`. The server is the tests' own, and gone afterwards.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

from tests.services.postgres_server import Postgres

SUITES: Final = ("tests/unit", "tests/web")
DATABASE: Final = frozenset({"db", "transactional_db"})


class OfTheDatabase:
    """Leaves out the tests for which it makes no difference which database there is."""

    @staticmethod
    def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
        if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
            raise pytest.UsageError("the tests would run on another database than PostgreSQL")
        others = [item for item in items if not _uses_database(item)]
        items[:] = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=others)


def main(arguments: Sequence[str]) -> int:
    with _server() as server:
        os.environ["HITSTREAM_TEST_DATABASE_URL"] = server.address
        words = ["--hypothesis-profile=few", *(arguments or SUITES)]
        return int(pytest.main(words, plugins=[OfTheDatabase()]))


def _uses_database(item: pytest.Item) -> bool:
    fixtures = DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@contextmanager
def _server() -> Iterator[Postgres]:
    """As its fixture does; but a module of fixtures must not be imported before pytest does it."""
    with tempfile.TemporaryDirectory(prefix="hitstream-postgres-") as path:
        server = Postgres(Path(path))
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.forget()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
