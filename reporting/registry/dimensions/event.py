"""Dimensions of the event itself."""

from typing import Final

from reporting.registry.dimensions.model import of_column

EVENT: Final = (of_column("eventName", "Event name", "Event", "The name of the event, such as page_view.", "event"),)
