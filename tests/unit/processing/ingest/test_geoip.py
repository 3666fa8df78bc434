"""Places come out of real database files, whichever layout they have."""

from pathlib import Path

import maxminddb
import pytest

from processing.ingest.geoip import NO_LOCATION, Location, open_geo_database
from tests.support.places_file import write_places

NESTED = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [
        {"iso_code": "BE", "names": {"de": "Land Berlin", "en": "State of Berlin"}},
        {"names": {"en": "other"}},
    ],
    "city": {"names": {"de": "Berlin", "en": "Berlin"}},
}
FLAT = {"country_code": "FR", "region": "Bretagne", "city": "Brest"}
DASHES = {"country_code": "AT", "region_name": "-", "city_name": "Graz"}
FLAT_SHORT = {"country": "BR", "state": "Bahia"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    records = {
        "192.0.2.0/24": NESTED,
        "198.51.100.128/25": FLAT,
        "203.0.113.7/32": FLAT_SHORT,
        "203.0.113.9/32": DASHES,
        "2001:db8::/32": NESTED,
        "2001:dead::/32": {"country": {"names": {"en": "Nowhere"}}, "city": {}, "subdivisions": []},
    }
    return write_places(tmp_path / "places.mmdb", records)


def test_it_works(path: Path) -> None:
    assert open_geo_database(path).lookup("192.0.2.200") == Location("DE", "State of Berlin", "Berlin")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("198.51.100.128", Location("FR", "Bretagne", "Brest")),
        ("198.51.100.127", NO_LOCATION),
        ("203.0.113.7", Location("BR", "Bahia", None)),
        ("203.0.113.8", NO_LOCATION),
        ("203.0.113.9", Location("AT", None, "Graz")),
        ("2001:db8:1::1", Location("DE", "State of Berlin", "Berlin")),
        ("2001:dead::1", NO_LOCATION),
        ("no address", NO_LOCATION),
        ("", NO_LOCATION),
    ],
)
def test_layouts_and_edges(path: Path, address: str, place: Location) -> None:
    assert open_geo_database(path).lookup(address) == place


def test_an_ipv6_address_is_nowhere_in_a_file_of_ipv4(tmp_path: Path) -> None:
    places = open_geo_database(write_places(tmp_path / "four.mmdb", {"192.0.2.0/24": FLAT}, version=4))
    assert places.lookup("192.0.2.1").country == "FR"
    assert places.lookup("2001:db8::1") == NO_LOCATION


def test_without_a_file_everything_is_nowhere() -> None:
    assert open_geo_database(None).lookup("192.0.2.1") == NO_LOCATION


@pytest.mark.parametrize("with_file", [False, True])
def test_the_demo_s_addresses_need_no_file(tmp_path: Path, with_file: bool) -> None:
    file = write_places(tmp_path / "four.mmdb", {"192.0.2.0/24": FLAT}, version=4)
    places = open_geo_database(file if with_file else None)
    assert places.lookup("2001:db8:276:1::7") == Location("DE", "Hamburg", "Hamburg")
    assert places.lookup("2001:db8:40::7") == Location("AT", "Vienna", "Vienna")
    assert places.lookup("2001:db8:999::7") == NO_LOCATION


def test_a_wrong_path_or_file_stops_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_geo_database(tmp_path / "none.mmdb")
    (tmp_path / "text.mmdb").write_text("this is text")
    with pytest.raises(maxminddb.InvalidDatabaseError):
        open_geo_database(tmp_path / "text.mmdb")
