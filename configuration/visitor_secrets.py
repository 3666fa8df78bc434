"""The secrets that visitor keys are made with, passed to `receive`; never part of a context, a block or a log line."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from configuration.models import DaySalt, PropertySalt

MISSING: Final = (
    "{name} is not set. Where an address names a server, no machine makes a secret for itself: set {name} to the same"
    " value on all machines. For a new installation, make one with: openssl rand -hex 32"
)
SALT_BYTES: Final = 32
DAY_SALT_LIFE: Final = timedelta(hours=48)
LONGEST_DAY_SALT_LIFE: Final = timedelta(days=7)


def installation_secret() -> bytes:
    """Raises ImproperlyConfigured if there is none."""
    if not settings.INSTALLATION_SECRET:
        raise ImproperlyConfigured(MISSING.format(name="HITSTREAM_SECRET"))
    return str(settings.INSTALLATION_SECRET).encode()


def day_salts(days: Sequence[date]) -> dict[date, bytes]:
    """Returns the salts of these UTC days; missing ones are made."""
    salts = _known_days(days)
    missing = [day for day in days if day not in salts]
    if missing:
        DaySalt.objects.bulk_create((DaySalt(day=day, secret=_new_salt()) for day in missing), ignore_conflicts=True)
        salts = _known_days(days)
    return salts


def property_salts(numbers: Sequence[int]) -> dict[int, bytes]:
    """Returns the salts of these properties; missing ones are made."""
    salts = _known_properties(numbers)
    missing = [number for number in numbers if number not in salts]
    if missing:
        made = (PropertySalt(property_number=number, secret=_new_salt()) for number in missing)
        PropertySalt.objects.bulk_create(made, ignore_conflicts=True)
        salts = _known_properties(numbers)
    return salts


def expire_day_salts(now: datetime, received_until: date) -> int:
    """Deletes the salts of days that ended 48 h ago and are received, and of all that ended 7 days ago.

    `received_until` is the UTC day up to which, itself excluded, every hit is in a raw block.
    Returns the number of deleted salts.
    """
    latest = (now - DAY_SALT_LIFE).date()
    at_the_latest = (now - LONGEST_DAY_SALT_LIFE).date()
    return DaySalt.objects.filter(day__lt=max(min(latest, received_until), at_the_latest)).delete()[0]


def delete_property_salts(numbers: Iterable[int]) -> int:
    """Deletes the salts of these properties, which have no raw hits any more. Returns the number of deleted salts."""
    with transaction.atomic():
        return PropertySalt.objects.filter(property_number__in=list(numbers)).delete()[0]


def _new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def _known_days(days: Sequence[date]) -> dict[date, bytes]:
    return {day: bytes(secret) for day, secret in DaySalt.objects.filter(day__in=days).values_list("day", "secret")}


def _known_properties(numbers: Sequence[int]) -> dict[int, bytes]:
    rows = PropertySalt.objects.filter(property_number__in=numbers).values_list("property_number", "secret")
    return {number: bytes(secret) for number, secret in rows}
