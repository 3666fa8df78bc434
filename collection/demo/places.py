"""Places of the demo's visitors: documentation addresses (RFC 3849) that name a country and a city.

`2001:db8:276:1::7` is of country 276 (Germany in ISO 3166-1) and of its second city, Hamburg. No database of places
knows such addresses and no visitor has one, so the demo can show countries without a database, and its addresses are
nobody's.
"""

import random
import re
from typing import Final, NamedTuple

NETWORK: Final = "2001:db8"


class City(NamedTuple):
    region: str
    name: str


class DemoCountry(NamedTuple):
    """`number` and `code` are those of ISO 3166-1; `language` is as a browser there names it."""

    weight: float
    number: str
    code: str
    language: str
    cities: tuple[City, ...]


class DemoPlace(NamedTuple):
    code: str
    region: str
    city: str


COUNTRIES: Final = (
    DemoCountry(
        13, "276", "DE", "de-de", (City("Berlin", "Berlin"), City("Hamburg", "Hamburg"), City("Bavaria", "Munich"))
    ),
    DemoCountry(3, "040", "AT", "de-at", (City("Vienna", "Vienna"), City("Styria", "Graz"))),
    DemoCountry(3, "756", "CH", "de-ch", (City("Zurich", "Zurich"), City("Geneva", "Geneva"))),
    DemoCountry(
        12,
        "840",
        "US",
        "en-us",
        (City("New York", "New York"), City("California", "San Francisco"), City("Illinois", "Chicago")),
    ),
    DemoCountry(2, "124", "CA", "en-ca", (City("Ontario", "Toronto"), City("Quebec", "Montreal"))),
    DemoCountry(7, "826", "GB", "en-gb", (City("England", "London"), City("Scotland", "Edinburgh"))),
    DemoCountry(6, "250", "FR", "fr-fr", (City("Île-de-France", "Paris"), City("Auvergne-Rhône-Alpes", "Lyon"))),
    DemoCountry(3, "528", "NL", "nl-nl", (City("North Holland", "Amsterdam"), City("Utrecht", "Utrecht"))),
    DemoCountry(3, "724", "ES", "es-es", (City("Madrid", "Madrid"), City("Catalonia", "Barcelona"))),
    DemoCountry(3, "380", "IT", "it-it", (City("Lombardy", "Milan"), City("Lazio", "Rome"))),
    DemoCountry(2, "752", "SE", "sv-se", (City("Stockholm", "Stockholm"),)),
    DemoCountry(1, "392", "JP", "ja-jp", (City("Tokyo", "Tokyo"), City("Osaka", "Osaka"))),
    DemoCountry(1, "036", "AU", "en-au", (City("New South Wales", "Sydney"),)),
    DemoCountry(2, "356", "IN", "en-in", (City("Karnataka", "Bengaluru"), City("Maharashtra", "Mumbai"))),
    DemoCountry(1, "076", "BR", "pt-br", (City("São Paulo", "São Paulo"),)),
)
_by_number: Final = {country.number: country for country in COUNTRIES}
_parts: Final = re.compile(rf"{NETWORK}:([0-9]{{1,3}}):([0-9])?:").match


def address_in(country: DemoCountry, chance: random.Random) -> str:
    """Makes an address of a visitor in one of the country's cities."""
    city = chance.randrange(len(country.cities))
    return f"{NETWORK}:{country.number}:{city}::{chance.randrange(1, 2**16):x}:{chance.randrange(1, 2**16):x}"


def place_of(address: str) -> DemoPlace | None:
    """Returns the place that an address in its shortest form names; None for every other text."""
    found = _parts(address)
    country = _by_number.get(found[1].zfill(3)) if found else None
    if found is None or country is None:
        return None
    number = int(found[2] or 0)
    if number >= len(country.cities):
        return None
    city = country.cities[number]
    return DemoPlace(country.code, city.region, city.name)
