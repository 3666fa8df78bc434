"""Tells the parameters that say where a visitor came from, not what the page is: campaign tags, click ids, and `_gl` of
a link between two domains.

They are cut off the page and read by the same rule: capitals make no difference, and `&amp;` joins parameters as `&`
does.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

from processing.pipeline.lookups.lists import rows

CAMPAIGN_TAGS: Final = ("utm_source", "utm_medium", "utm_campaign")
DETAIL_TAGS: Final = ("utm_term", "utm_content", "utm_id", "utm_source_platform")
TAG_PREFIX: Final = "utm_"
LINKER: Final = "_gl"
CLICK_IDS: Final = frozenset(name.lower() for name, *_ in rows("click_ids"))

READ: Final = CLICK_IDS.union(CAMPAIGN_TAGS, DETAIL_TAGS)
SIGNS: Final = (TAG_PREFIX, LINKER, *sorted(CLICK_IDS))  # a text without any of them has no tag
SEPARATOR: Final = "&(?:amp;)*"
LONGEST_TAGS: Final = 2_048  # tags are cut, so that hostile hits cannot fill the memory through caches
MOST_PARAMETERS: Final = 100
ENTITIES: Final = re.compile("(?:(?<=&)|^)(?:amp;)+", re.IGNORECASE)


def split_tags(parameters: str) -> tuple[str, list[str]]:
    """Returns the parameters without tags, and the tags that have a meaning, their names in lower case:
    `a=1&UTM_Source=x&_gl=y` -> `a=1`, [`utm_source=x`]. Those that decide the source come first: readers may cut.
    """
    if ";" in parameters:
        parameters = ENTITIES.sub("", parameters)
    kept, tags, details = list[str](), list[str](), list[str]()
    for piece in parameters.split("&"):
        name, equals, value = piece.partition("=")
        name = name.lower()
        if not (name.startswith(TAG_PREFIX) or name == LINKER or name in CLICK_IDS):
            kept.append(piece)
        elif value and name in READ:
            (details if name in DETAIL_TAGS else tags).append(name + equals + value)
    return "&".join(kept), tags + details


def named_tags(tags: str | None) -> dict[str, str]:
    """Returns the tags that have a value; of several with one name, the first."""
    pairs = parse_qsl("&".join((tags or "").split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]))
    return dict(reversed(pairs))
