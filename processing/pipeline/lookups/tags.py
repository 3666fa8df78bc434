"""Tells the parameters that say where a visitor came from, not what the page is: campaign tags, click ids, and `_gl` of
a link between two domains.

They are cut off the page and read by the same rule: capitals make no difference, and `&amp;` joins parameters as `&`
does.
"""

import re
from typing import Final

from processing.pipeline.lookups.lists import rows

CAMPAIGN_TAGS: Final = ("utm_source", "utm_medium", "utm_campaign")
TAG_PREFIX: Final = "utm_"
LINKER: Final = "_gl"
CLICK_IDS: Final = frozenset(name.lower() for name, *_ in rows("click_ids"))

READ: Final = CLICK_IDS.union(CAMPAIGN_TAGS)
SIGNS: Final = (TAG_PREFIX, LINKER, *sorted(CLICK_IDS))  # a text without any of them has no tag
SEPARATOR: Final = "&(?:amp;)*"
ENTITIES: Final = re.compile("(?:(?<=&)|^)(?:amp;)+", re.IGNORECASE)


def split_tags(parameters: str) -> tuple[str, list[str]]:
    """Returns the parameters without tags, and the tags that have a meaning, their names in lower case:
    `a=1&UTM_Source=x&_gl=y` -> `a=1`, [`utm_source=x`].
    """
    if ";" in parameters:
        parameters = ENTITIES.sub("", parameters)
    kept, tags = list[str](), list[str]()
    for piece in parameters.split("&"):
        name, equals, value = piece.partition("=")
        name = name.lower()
        if not (name.startswith(TAG_PREFIX) or name == LINKER or name in CLICK_IDS):
            kept.append(piece)
        elif value and name in READ:
            tags.append(name + equals + value)
    return "&".join(kept), tags
