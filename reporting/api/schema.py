"""The schema of segments in the OpenAPI description, made from the types that decode them."""

from typing import Any, Final

import msgspec

from reporting.audiences.saved import AudienceForm

TEMPLATE: Final = "#/components/schemas/Segment{name}"
SAVED: Final = {
    "description": "A segment of the property, as it is saved.",
    "allOf": [
        {"$ref": TEMPLATE.format(name="AudienceForm")},
        {
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "meaning": {"type": "string", "description": "The definition in words."},
                "author": {"type": "string", "description": "Who changed it last."},
                "changed_at": {"type": "string", "format": "date-time"},
            },
        },
    ],
}


def add_segments(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular."""
    _, components = msgspec.json.schema_components([AudienceForm], ref_template=TEMPLATE)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {f"Segment{name}": schema for name, schema in components.items()}
    schemas |= {"SavedSegment": SAVED}
    return result
