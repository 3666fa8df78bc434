"""The fields of an event that conditions of rules may name: the owner's words for them, with examples.

What stands in a field is decided by processing/conditions.py. `rewritable`: rules may change it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Field(NamedTuple):
    name: str
    label: str
    example: str
    meaning: str
    rewritable: bool = False


class Family(NamedTuple):
    """Fields whose name the owner or the site chooses: `prefix` and that name."""

    prefix: str
    label: str
    example: str
    meaning: str


_ALL: Final = (
    Field("event", "event name", "page_view", "What happened, as the tracker calls it.", rewritable=True),
    Field("host", "host", "www.example.org", "The host of the page's URL, in lower case.", rewritable=True),
    Field("path", "page path", "/shop/shoes", "The path of the page's URL, without query.", rewritable=True),
    Field(
        "query",
        "query of the page",
        "color=red&page=2",
        "The parameters of the page's URL, without campaign tags and click IDs.",
        rewritable=True,
    ),
    Field("page", "page address", "https://www.example.org/shop?page=2", "The page's whole URL, as it was sent."),
    Field("title", "page title", "Our shoes", "The title of the page."),
    Field("referrer", "referrer", "https://blog.example.net/review", "The URL that led here, as it was sent."),
    Field("referrer_host", "host of the referrer", "blog.example.net", "The host of the URL that led here."),
    Field("source", "source", "google", "Where the event's visit came from.", rewritable=True),
    Field("medium", "medium", "organic", "How it came, such as organic or referral.", rewritable=True),
    Field("campaign", "campaign", "autumn", "The campaign that brought it.", rewritable=True),
    Field("channel", "default channel", "Organic Search", "The default channel for source, medium and campaign."),
    Field("country", "country", "Germany", "The English name of the country."),
    Field("region", "region", "Bavaria", "The English name of the region."),
    Field("city", "city", "Munich", "The English name of the city."),
    Field("language", "language", "de-de", "The browser's language."),
    Field("device", "device category", "mobile", "The kind of device: desktop, mobile, tablet or smart tv."),
    Field("browser", "browser", "Firefox", "The name of the browser.", rewritable=True),
    Field("system", "operating system", "Windows", "The name of the operating system.", rewritable=True),
    Field(
        "user_agent", "user agent", "Mozilla/5.0 (X11; Linux) Firefox/127.0", "The browser's own description of itself."
    ),
    Field("screen", "screen", "1920x1080", "The size of the screen."),
    Field("traffic_type", "traffic type", "internal", "The traffic type that the tracker sends (`tt`)."),
    Field(
        "protocol",
        "protocol",
        "ga4",
        "The hit's protocol: ga4 (from a tracker) or access_log (a line of an access log).",
    ),
    Field("currency", "currency", "EUR", "The currency that the event names."),
)
FIELDS: Final[Mapping[str, Field]] = {each.name: each for each in _ALL}

PARAMETER: Final = "parameter:"
USER_PROPERTY: Final = "user_property:"
CONTENT_GROUP: Final = "content_group:"
FAMILIES: Final[Mapping[str, Family]] = {
    PARAMETER: Family(PARAMETER, "event parameter", "parameter:plan", "A parameter of the event, text or number."),
    USER_PROPERTY: Family(USER_PROPERTY, "user property", "user_property:tier", "A user property of the event."),
    CONTENT_GROUP: Family(
        CONTENT_GROUP, "content group", "content_group:Section", "The event's group in one of your content groups."
    ),
}


def find_field(name: str) -> Field | Family | None:
    """Returns what the name stands for; a name of a family needs something after its prefix."""
    prefix, mark, rest = name.partition(":")
    return FAMILIES.get(prefix + mark) if mark and rest else FIELDS.get(name)


def family_member(name: str, prefix: str) -> str | None:
    """Returns what stands after the prefix, None if the field is none of that family."""
    return name.removeprefix(prefix) if name.startswith(prefix) else None
