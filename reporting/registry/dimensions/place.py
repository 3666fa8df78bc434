"""Dimensions of the place."""

from typing import Final

from reporting.registry.dimensions.model import of_column

PLACE: Final = (
    of_column(
        "country", "Country", "Geography", "The English name of the country from which the event was sent.", "country"
    ),
)
