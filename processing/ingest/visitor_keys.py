"""The visitor key: 64 bits that say "same browser", and nothing about who it is without the secrets."""

import hmac
from collections.abc import Mapping
from datetime import date
from typing import Final

KEY_BYTES: Final = 8
LENGTH_BYTES: Final = 4


class MissingSalt(KeyError):
    """A salt that this range needs is not there: it names the day or the property."""


class VisitorKeyFactory:
    """Holds the installation's secret, and a range's salts of days and properties. Keys are unsigned 64-bit numbers."""

    __slots__ = ("_day_salts", "_property_salts", "_secret")

    def __init__(self, secret: bytes, day_salts: Mapping[date, bytes], property_salts: Mapping[int, bytes]) -> None:
        if not secret:
            raise ValueError("the installation's secret is empty")
        self._secret = secret
        self._day_salts = dict(day_salts)
        self._property_salts = dict(property_salts)

    def by_client_id(self, measurement_id: str, client_id: str) -> int:
        return _key(self._secret, measurement_id, client_id)

    def by_day(self, day: date, measurement_id: str, address: str, user_agent: str) -> int:
        """For visitors without a client id; `day` is the UTC day of receipt. Raises MissingSalt."""
        return _key(self._salt_of_day(day), measurement_id, address, user_agent)

    def by_property(self, number: int, measurement_id: str, address: str, user_agent: str) -> int:
        """For access logs: the same when a file is imported again on another day. Raises MissingSalt."""
        return _key(self._salt_of_property(number), measurement_id, address, user_agent)

    def _salt_of_day(self, day: date) -> bytes:
        salt = self._day_salts.get(day)
        if not salt:
            raise MissingSalt(f"no salt for the day {day.isoformat()}")
        return salt

    def _salt_of_property(self, number: int) -> bytes:
        salt = self._property_salts.get(number)
        if not salt:
            raise MissingSalt(f"no salt for the property {number}")
        return salt


def _key(secret: bytes, *parts: str) -> int:
    """Lengths go before the parts, so that no text can pose as two."""
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(LENGTH_BYTES, "big") + part for part in encoded)
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:KEY_BYTES], "big")
