"""What every test may rely on: Django on a throw-away data folder, and no network but loopback (pyproject.toml)."""

import pytest
from django.contrib.auth.models import User
from hypothesis import settings

from tests.cassandra_node import CassandraNode, running_node

# Examples of each property test. The default run is to stay short: `pytest --hypothesis-profile=long` asks for more.
settings.register_profile("short", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=400, deadline=None)
settings.load_profile("short")


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.org", "a long password")


@pytest.fixture(scope="session")
def cassandra() -> CassandraNode:
    return running_node()
