"""Dimensions of what visitors do on a page: links, files, scrolls, searches, forms, videos."""

from typing import Final

from reporting.registry.dimensions.model import Dimension, decoded


def _parameter(name: str, label: str, parameter: str, definition: str, *, example: str) -> Dimension:
    return decoded(name, label, "Interaction", definition, column="interaction", key=parameter, example=example)


INTERACTION: Final = (
    _parameter(
        "linkUrl",
        "Link URL",
        "link_url",
        "The address of the link: the event parameter link_url.",
        example="https://partner.example/files/seeds.pdf",
    ),
    _parameter(
        "linkDomain",
        "Link domain",
        "link_domain",
        "The domain of the link: the event parameter link_domain, else the host of link_url.",
        example="partner.example",
    ),
    _parameter(
        "linkText",
        "Link text",
        "link_text",
        "The text of the link: the event parameter link_text.",
        example="All seeds",
    ),
    _parameter(
        "linkId", "Link ID", "link_id", "The HTML id of the link: the event parameter link_id.", example="all-seeds"
    ),
    _parameter(
        "linkClasses",
        "Link classes",
        "link_classes",
        "The HTML classes of the link: the event parameter link_classes.",
        example="button large",
    ),
    _parameter(
        "outbound",
        "Outbound",
        "outbound",
        "Whether the link leads to another site, true or false: the event parameter outbound.",
        example="true",
    ),
    _parameter(
        "fileName",
        "File name",
        "file_name",
        "The file of a download: the event parameter file_name.",
        example="/files/seeds.pdf",
    ),
    _parameter(
        "fileExtension",
        "File extension",
        "file_extension",
        "The extension of the file of a download: the event parameter file_extension.",
        example="pdf",
    ),
    _parameter(
        "percentScrolled",
        "Percent scrolled",
        "percent_scrolled",
        "How far down the page the visitor came, as a whole number from 0 to 100: the event parameter"
        " percent_scrolled.",
        example="90",
    ),
    _parameter(
        "searchTerm",
        "Search term",
        "search_term",
        "What was searched for on the site: the event parameter search_term; of page views without it, the first of"
        " the parameters q, s, search, query and keyword that the page's address has.",
        example="tomato seeds",
    ),
    _parameter(
        "formId", "Form ID", "form_id", "The HTML id of the form: the event parameter form_id.", example="subscribe"
    ),
    _parameter(
        "formName",
        "Form name",
        "form_name",
        "The HTML name of the form: the event parameter form_name.",
        example="newsletter",
    ),
    _parameter(
        "formDestination",
        "Form destination",
        "form_destination",
        "The address to which the form is sent: the event parameter form_destination.",
        example="https://shop.example/subscribe",
    ),
    _parameter(
        "videoTitle",
        "Video title",
        "video_title",
        "The title of the video: the event parameter video_title.",
        example="How to sow",
    ),
    _parameter(
        "videoUrl",
        "Video URL",
        "video_url",
        "The address of the video: the event parameter video_url.",
        example="https://video.example/how-to-sow",
    ),
    _parameter(
        "videoProvider",
        "Video provider",
        "video_provider",
        "Where the video comes from, such as youtube: the event parameter video_provider.",
        example="youtube",
    ),
    _parameter(
        "videoPercent",
        "Video percent",
        "video_percent",
        "How much of the video was played, as a whole number from 0 to 100: the event parameter video_percent.",
        example="50",
    ),
    _parameter(
        "method",
        "Method",
        "method",
        "The method of a sign_up, login or share event, such as email: the event parameter method.",
        example="email",
    ),
)
