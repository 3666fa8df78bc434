"""The visitor key: 64 bits that are the same for the same browser, and tell nobody without the secrets who it is."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, TypeAlias

import msgspec

from collection.hit import RawHit
from processing.schema import NO_VISITOR

KEY_BYTES: Final = 8
LENGTH_BYTES: Final = 4
US_PER_DAY: Final = 86_400_000_000
EPOCH: Final = date(1970, 1, 1).toordinal()


class MissingSalt(KeyError):
    """A salt that a key needs was not loaded; the message names the day or the property."""


class ByClientId(msgspec.Struct, frozen=True, gc=False):
    """A browser that sends the client id of its cookie."""

    measurement_id: str
    client_id: str


class ByDay(msgspec.Struct, frozen=True, gc=False):
    """A browser without a client id, on one UTC day of receipt. `address` is the full one."""

    day: date
    measurement_id: str
    address: str
    user_agent: str


class ByProperty(msgspec.Struct, frozen=True, gc=False):
    """A client in an access log: the same visitor when the file is imported again on another day."""

    property: int
    measurement_id: str
    address: str
    user_agent: str


VisitorIdentity: TypeAlias = ByClientId | ByDay | ByProperty


class VisitorKeyFactory:
    """Makes keys, unsigned 64-bit numbers, from the installation's secret and the salts of days and properties."""

    __slots__ = ("_day_salts", "_property_salts", "_secret")

    def __init__(self, secret: bytes, day_salts: Mapping[date, bytes], property_salts: Mapping[int, bytes]) -> None:
        if not secret:
            raise ValueError("the installation's secret is empty")
        self._secret = secret
        self._day_salts = dict(day_salts)
        self._property_salts = dict(property_salts)

    def key(self, identity: VisitorIdentity | None) -> int:
        """Returns NO_VISITOR for None. Raises MissingSalt."""
        match identity:
            case ByClientId(measurement_id, client_id):
                return _key(self._secret, measurement_id, client_id)
            case ByDay(day, measurement_id, address, user_agent):
                salt = self._day_salts.get(day)
                if not salt:
                    raise MissingSalt(f"no salt for the day {day.isoformat()}")
                return _key(salt, measurement_id, address, user_agent)
            case ByProperty(property, measurement_id, address, user_agent):
                salt = self._property_salts.get(property)
                if not salt:
                    raise MissingSalt(f"no salt for the property {property}")
                return _key(salt, measurement_id, address, user_agent)
        return NO_VISITOR


def utc_day(received_us: int) -> date:
    return date.fromordinal(EPOCH + received_us // US_PER_DAY)


def receipt_days(hits: Iterable[tuple[int, RawHit]]) -> list[date]:
    """Returns the UTC days on which the hits (position, hit) were received: those whose salts their keys may need.

    One range can hold several: collectors' clocks differ, and some hits wait before they reach the log.
    """
    return [utc_day(day * US_PER_DAY) for day in sorted({hit.received // US_PER_DAY for _, hit in hits})]


def _key(secret: bytes, *parts: str) -> int:
    """Hashes the parts, each with its length before it: ("ab", "c") and ("a", "bc") give different keys."""
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(LENGTH_BYTES, "big") + part for part in encoded)
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:KEY_BYTES], "big")
