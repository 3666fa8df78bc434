"""The dimensions of reports. Each entry has its definition, the columns that it reads, and expressions."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

import polars as pl

from reporting.model.report import DerivedDimension, ReportError, undefined, unknown
from reporting.registry.dimensions.commerce import COMMERCE
from reporting.registry.dimensions.device import DEVICE
from reporting.registry.dimensions.event import EVENT
from reporting.registry.dimensions.first_user import FIRST_USER
from reporting.registry.dimensions.interaction import INTERACTION
from reporting.registry.dimensions.model import Dimension, plain
from reporting.registry.dimensions.page import PAGE
from reporting.registry.dimensions.place import PLACE
from reporting.registry.dimensions.quality import QUALITY
from reporting.registry.dimensions.session import SESSION
from reporting.registry.dimensions.time import TIME
from reporting.registry.dimensions.traffic import TRAFFIC

_CATEGORIES: Final[tuple[tuple[Dimension, ...], ...]] = (
    TIME,
    PAGE,
    EVENT,
    INTERACTION,
    SESSION,
    TRAFFIC,
    FIRST_USER,
    PLACE,
    DEVICE,
    QUALITY,
    COMMERCE,
)
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    dimension.name: dimension for dimension in chain.from_iterable(_CATEGORIES)
}
NO_CUSTOM: Final[Mapping[str, Dimension]] = {}


def find_dimension(
    name: str, derived: Mapping[str, DerivedDimension], custom: Mapping[str, Dimension] = NO_CUSTOM
) -> Dimension:
    """Looks a name up in the report, the property's rules and the registry. Raises ReportError for an unknown name."""
    if name in derived:
        return _derive(derived[name], custom)
    dimension = custom.get(name) or DIMENSIONS.get(name)  # the first content group takes the place of CONTENT_GROUP
    if dimension is None:
        raise undefined("dimension", name, custom) or unknown("dimension", name, {**DIMENSIONS, **custom})
    return dimension


def _derive(derived: DerivedDimension, custom: Mapping[str, Dimension]) -> Dimension:
    name = derived.name
    # A report may change a dimension under its own name: pagePath = lower_case(pagePath).
    if (name in DIMENSIONS or name in custom) and derived.of != (name,):
        raise ReportError(f"{name!r} is already a dimension; give the expression another name.")
    if not derived.of or len(derived.delimiter) > 100:
        raise ReportError(
            f"The expression of {name[:100]!r} needs a dimension name, and a delimiter of at most 100 characters."
        )
    parts = [find_dimension(part, {}, custom) for part in derived.of]

    def key(zone: str) -> pl.Expr:
        joined = pl.concat_str([part.text(part.key(zone)) for part in parts], separator=derived.delimiter)
        match derived.function:
            case "lower_case":
                return joined.str.to_lowercase()
            case "upper_case":
                return joined.str.to_uppercase()
            case "concatenate":
                return joined

    columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
    definition = f"{derived.function} of {', '.join(derived.of)}"
    scope = "item" if any(part.scope == "item" for part in parts) else "event"
    return Dimension(name, name, "Derived", scope, definition, "", columns, key, plain)
