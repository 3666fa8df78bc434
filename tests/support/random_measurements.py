"""What random events measure: web vitals and errors, as clients send them, and what reports must make of it."""

from typing import Any, Final

MEANINGS: Final = ("vital", "error")
# event name -> parameters, meaning: vital and value (thousandths of its unit), or message and fatal
MEASURED: Final[dict[str, tuple[tuple[dict[str, str], dict[str, Any]], ...]]] = {
    "LCP": (
        ({"epn.metric_value": "2500", "epn.value": "1"}, {"vital": ("LCP", 2_500_000)}),
        ({"epn.value": "2500.001"}, {"vital": ("LCP", 2_500_001)}),
        ({"epn.value": "4000"}, {"vital": ("LCP", 4_000_000)}),
        ({"epn.metric_value": "-1"}, {}),
        ({"ep.metric_value": "nan"}, {}),
        ({}, {}),
    ),
    "web_vitals": (
        ({"ep.metric_name": "CLS", "epn.metric_value": "0.1"}, {"vital": ("CLS", 100)}),
        ({"ep.metric_name": "cls", "epn.metric_value": "0.251"}, {"vital": ("CLS", 251)}),
        ({"ep.metric_name": "CLS", "epn.metric_value": "0"}, {"vital": ("CLS", 0)}),
        ({"ep.name": "INP", "ep.value": "500"}, {"vital": ("INP", 500_000)}),
        ({"ep.metric_name": "FID", "epn.value": "5"}, {}),
    ),
    "exception": (
        ({"ep.description": "TypeError: a&b", "ep.fatal": "true"}, {"error": ("TypeError: a&b", True)}),
        ({"ep.message": " late ", "ep.fatal": "false"}, {"error": ("late", False)}),
        ({"ep.description": "", "ep.message": "\u00e9" * 300, "epn.fatal": "1"}, {"error": ("\u00e9" * 255, True)}),
        ({}, {"error": ("(not set)", False)}),
    ),
}


def meaning_of(own: dict[str, str]) -> dict[str, Any]:
    """Returns what the parameters of an event measure."""
    found = [meant for sent, meant in MEASURED.get(own["en"], ()) if sent.items() <= own.items()]
    return found[0] if found else {}
