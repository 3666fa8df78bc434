"""Looks up where an address is, in a MaxMind database file (`.mmdb`): records nested as MaxMind's, or flat ones."""

import logging
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import maxminddb

from collection.demo.places import NETWORK, place_of

LANGUAGE: Final = "en"
UNKNOWN: Final = ("", "-")  # IP2Location writes a dash

logger = logging.getLogger(__name__)


class Location(NamedTuple):
    """ISO 3166 code of the country, English names of region and city; None where unknown."""

    country: str | None = None
    region: str | None = None
    city: str | None = None


NO_LOCATION: Final = Location()


class GeoDatabase(Protocol):
    def lookup(self, address: str) -> Location:
        """Returns the location of a full address; NO_LOCATION for any other text."""
        ...


class NoGeoDatabase:
    def lookup(self, address: str) -> Location:
        return NO_LOCATION


class GeoDatabaseFile:
    """Reads records with the low-level reader: the typed ones refuse flat files."""

    def __init__(self, path: Path) -> None:
        self._path, self._reader, self._damaged = path, maxminddb.open_database(str(path)), False

    def __reduce__(self) -> tuple[type["GeoDatabaseFile"], tuple[Path]]:
        """Pickles the path: another process opens the file itself."""
        return GeoDatabaseFile, (self._path,)

    def lookup(self, address: str) -> Location:
        try:
            record = self._reader.get(address)
        except ValueError:  # not an address, or IPv6 in a file of IPv4
            return NO_LOCATION
        except maxminddb.InvalidDatabaseError:
            if not self._damaged:  # logged once; a damaged file costs no hit, only its location
                self._damaged = True
                logger.exception("the file of places is damaged: some places stay unknown")
            return NO_LOCATION
        return read_record(record) if isinstance(record, dict) else NO_LOCATION

    def close(self) -> None:
        self._reader.close()


class WithDemoPlaces(NamedTuple):
    """Another database, and the locations of the demo's addresses, which no database has and no visitor uses."""

    others: GeoDatabase

    def lookup(self, address: str) -> Location:
        found = self.others.lookup(address)
        if found != NO_LOCATION or not address.startswith(NETWORK):
            return found
        place = place_of(address)
        return Location(*place) if place else NO_LOCATION


def open_geo_database(path: Path | None) -> GeoDatabase:
    """Opens the file; without a path only the demo's locations are known.

    Raises FileNotFoundError, maxminddb.InvalidDatabaseError.
    """
    return WithDemoPlaces(NoGeoDatabase() if path is None else GeoDatabaseFile(path))


def read_record(record: dict[str, Any]) -> Location:
    subdivisions = record.get("subdivisions")
    nested_region = _name(subdivisions[0]) if isinstance(subdivisions, list) and subdivisions else None
    return Location(
        country=_code(record),
        region=nested_region or _first_text(record, "region", "region_name", "state", "state1"),
        city=_name(record.get("city")) or _first_text(record, "city", "city_name"),
    )


def _code(record: dict[str, Any]) -> str | None:
    country = record.get("country")
    nested = country.get("iso_code") if isinstance(country, dict) else None
    return _text(nested) or _first_text(record, "country_code", "country")


def _name(part: object) -> str | None:
    names = part.get("names") if isinstance(part, dict) else None
    return _text(names.get(LANGUAGE)) if isinstance(names, dict) else None


def _first_text(record: dict[str, Any], *names: str) -> str | None:
    return next((text for name in names if (text := _text(record.get(name)))), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value not in UNKNOWN else None
