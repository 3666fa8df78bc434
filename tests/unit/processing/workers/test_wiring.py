"""Settings are read for every context: of one property that cannot be read, and of all others."""

from typing import Any

import pytest
from django.db import OperationalError

from configuration.drafts import snapshot
from configuration.models import Property
from processing.concurrency.failures import failures
from processing.workers import wiring
from tests.support.installation import BLOG, SHOP

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture(autouse=True)
def two_properties() -> None:
    for settings in (SHOP, BLOG):
        Property.objects.create(id=settings.id, name=settings.name, measurement_id=settings.measurement_id)


def breaks(patch: pytest.MonkeyPatch, errors: dict[int, Exception]) -> None:
    """Lets the settings of these properties fail, each with its error, the lowest number first."""
    real = snapshot.receive_settings_of

    def of(properties: Any) -> Any:
        for number in properties.order_by("pk").values_list("pk", flat=True):
            if number in errors:
                raise errors[number]
        return real(properties)

    patch.setattr(wiring._settings_backoff, "_failures", {})  # what fails here is nothing to other tests
    patch.setattr(wiring, "receive_settings", lambda: of(Property.objects.all()))
    patch.setattr(wiring, "receive_settings_of", of)


def test_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of one property were edited by hand, and its hits wait as those of an unknown one."""
    breaks(monkeypatch, {SHOP.id: ValueError("no such kind of rule")})
    assert [settings.id for settings in wiring.current_context().properties] == [BLOG.id]


@pytest.mark.parametrize("error", [OperationalError("database is locked"), MemoryError(), OSError("too many files")])
def test_a_passing_error_of_a_healthy_property_is_raised(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Another one cannot be read. Its good hits would go to property 0."""
    with monkeypatch.context() as patch:
        breaks(patch, {SHOP.id: ValueError("edited by hand"), BLOG.id: error})
        with pytest.raises(type(error)):
            wiring.current_context()
    assert [settings.id for settings in wiring.current_context().properties] == [SHOP.id, BLOG.id]


@pytest.mark.parametrize("error", [OperationalError("database is locked"), MemoryError(), OSError("too many files")])
def test_a_passing_error_is_recorded_for_no_property(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    breaks(monkeypatch, {SHOP.id: error})
    with pytest.raises(type(error)):
        wiring.current_context()
    assert failures() == []
