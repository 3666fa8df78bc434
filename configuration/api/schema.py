"""The schema of rules in the OpenAPI description, made from the types that decode them."""

from typing import Any

import msgspec

from configuration.ruleset.document import Document

TEMPLATE = "#/components/schemas/Rules{name}"


def add_rules(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular."""
    _, components = msgspec.json.schema_components([Document], ref_template=TEMPLATE)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {f"Rules{name}": schema for name, schema in components.items()}
    return result
