"""What every test may rely on: Django on a throw-away data folder, and no network but loopback (pyproject.toml)."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from hypothesis import settings

if TYPE_CHECKING:  # models cannot be imported before Django is set up
    from tests.support.prepared import Prepared

pytest_plugins = ["tests.services.fixtures", "tests.support.clock_readers"]

# Tests of a driver that is not installed cannot even be read: `make dev-cluster` installs them.
OF_DRIVERS = {
    "kafka": ["contract/test_log_kafka.py", "contract/test_log_kafka_faults.py", "faults/test_spill.py"],
    "cassandra": [
        "contract/test_setup_store.py",
        "contract/test_store_cassandra.py",
        "contract/test_store_cassandra_faults.py",
        "contract/test_store_cassandra_sizes.py",
        "contract/test_store_cassandra_writes.py",
        "unit/processing/store/cassandra/test_layout.py",
        "unit/processing/store/cassandra/test_security.py",
        "unit/processing/store/cassandra/test_session.py",
        "unit/processing/store/cassandra/test_disk_cache.py",
        "unit/processing/test_scale.py",
    ],
}
collect_ignore = [file for driver, files in OF_DRIVERS.items() if find_spec(driver) is None for file in files]

# Examples of each property test. The default run is to stay short: `pytest --hypothesis-profile=long` asks for more.
settings.register_profile("short", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=400, deadline=None)
settings.register_profile("few", max_examples=5, deadline=None)
settings.load_profile("short")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> "Prepared":
    from tests.support.prepared import Prepared

    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.org", "a long password")
