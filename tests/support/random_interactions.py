"""What events say of campaigns and interactions, each with what reports must make of it."""

from typing import Any, Final

# parameters and tags of an event's campaign -> term, content, ID, platform
DETAILS: Final[tuple[tuple[dict[str, str], str, tuple[str, ...]], ...]] = (
    ({}, "", ("", "", "", "")),
    ({"ck": "shoes & socks", "ci": "7"}, "", ("shoes & socks", "", "7", "")),
    ({"cc": "red"}, "utm_term=hats&utm_content=blue&utm_source_platform=dv360", ("hats", "red", "", "dv360")),
)
# parameters of an event -> what dimensions of interactions say
INTERACTIONS: Final[tuple[tuple[dict[str, str], dict[str, str]], ...]] = (
    ({}, {}),
    (
        {"ep.link_url": "https://Docs.example/a?b=1&c=%", "ep.link_text": "A + B", "ep.outbound": "true"},
        {"linkUrl": "https://Docs.example/a?b=1&c=%", "linkDomain": "docs.example", "linkText": "A + B",
         "outbound": "true"},
    ),
    (
        {"ep.link_url": "/a.pdf", "ep.link_domain": "x.example", "ep.link_id": "i", "ep.link_classes": "c d",
         "ep.file_name": "/a.pdf", "ep.file_extension": "pdf", "epn.outbound": "0"},
        {"linkUrl": "/a.pdf", "linkDomain": "x.example", "linkId": "i", "linkClasses": "c d",
         "fileName": "/a.pdf", "fileExtension": "pdf", "outbound": "false"},
    ),
    ({"epn.percent_scrolled": "90.0", "ep.outbound": "yes"}, {"percentScrolled": "90"}),
    ({"epn.percent_scrolled": "nan", "epn.video_percent": "-1", "ep.method": "email"}, {"method": "email"}),
    ({"ep.search_term": "a=b"}, {"searchTerm": "a=b"}),
    (
        {"ep.form_id": "f", "ep.form_name": "n", "ep.form_destination": "/send"},
        {"formId": "f", "formName": "n", "formDestination": "/send"},
    ),
    (
        {"ep.video_title": "T", "ep.video_url": "/v", "ep.video_provider": "youtube", "epn.video_percent": "25"},
        {"videoTitle": "T", "videoUrl": "/v", "videoProvider": "youtube", "videoPercent": "25"},
    ),
)  # fmt: skip
# pages of the shop that are searches, or were found by an advertisement
PAGES: Final = tuple(
    f"https://shop.example/{page}" for page in ("", "a", "find?q=red+shoes", "b?utm_term=hats&utm_id=7&gclid=x#top")
)
SAID_MORE: Final[tuple[dict[str, str], ...]] = (
    *({},) * 8,
    *(said for said, _, _ in DETAILS),
    *(said for said, _ in INTERACTIONS),
)


def tags_of(own: dict[str, str]) -> str:
    """The tags that the address of an event with these parameters has."""
    return next((tags for said, tags, _ in DETAILS[1:] if said.items() <= own.items()), "")


def campaign_and_interaction(own: dict[str, str], page: str, *, clicked: bool, page_view: bool) -> dict[str, Any]:
    details = next((known for said, _, known in DETAILS[1:] if said.items() <= own.items()), DETAILS[0][2])
    said = next((known for said, known in INTERACTIONS[1:] if said.items() <= own.items()), {})
    searched = page.partition("?q=")[2].partition("&")[0]
    sought = {"searchTerm": searched} if searched and page_view else {}
    return {"details": (*details, "gclid" if clicked else ""), "interaction": {**sought, **said}}
