"""Explains each reason for which hits are rejected, to the property's users. The reasons are in processing.schema."""

from typing import Final

MEANINGS: Final[dict[str, str]] = {
    "malformed": "The hit could not be read: a tracker's hit without an event name, or a log line that is in no"
    " format that is known, or names no address.",
    "method": "The line of the access log is not a GET request.",
    "status": "The server did not answer the request with 2xx or 304, or sent only a part (206).",
    "asset": "The request was for a style sheet, script, picture, font or similar, not for a page.",
    "bot": "The hit comes from a program, as its user agent says: by the lists, by one of your rules, or because a line"
    " of an access log names no browser.",
    "unknown property": "No property has this measurement ID. Compare it with the IDs of your properties.",
    "spam": "The referrer is a site that is known for faking visits, or one of your own list.",
    "internal": "The hit comes from your own people, by a network or traffic type in your rules.",
    "filter": "One of your filters excludes the hit.",
    "duplicate": "The visitor sent a hit with this ID before; the earliest one counts.",
    "processing error": "A fault of this program kept it from reading the hit. The hit is stored, and is counted once"
    " the fault is fixed.",
}
