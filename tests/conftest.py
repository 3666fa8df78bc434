"""What every test may rely on: Django on a throw-away data folder, and no network but loopback (pyproject.toml)."""

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.org", "a long password")
