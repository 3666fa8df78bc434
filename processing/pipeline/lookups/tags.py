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
SEPARATOR: Final = re.compile("&(?:amp;)*", re.IGNORECASE)
ENTITY: Final = re.compile("(?:amp;)+", re.IGNORECASE)


def is_tag(name: str) -> bool:
    name = name.lower()
    return name.startswith(TAG_PREFIX) or name == LINKER or name in CLICK_IDS


def split_tags(parameters: str) -> tuple[str, list[str]]:
    """Returns the parameters without tags, and the tags that have a meaning, their names in lower case:
    `a=1&UTM_Source=x&_gl=y` -> `a=1`, [`utm_source=x`].
    """
    kept, tags = list[str](), list[str]()
    for piece in SEPARATOR.split(ENTITY.sub("", parameters, count=1) if ENTITY.match(parameters) else parameters):
        name, equals, value = piece.partition("=")
        if not is_tag(name):
            kept.append(piece)
        elif value and name.lower() in READ:
            tags.append(name.lower() + equals + value)
    return "&".join(kept), tags
