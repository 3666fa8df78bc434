"""The panels of the overview: their tabs, and the report behind each tab."""

from typing import Final, NamedTuple

from reporting.model.report import Filter, InListFilter, Not, NumericFilter

NOT_SET: Final = "(not set)"


class Tab(NamedTuple):
    """One dimension by some metrics; rows come by the first metric. `empty` says what to do where there are no rows.

    `only`: the rows of which the table is made, besides the filters of the page.
    """

    key: str
    title: str
    dimension: str
    metrics: tuple[str, ...]
    empty: str = "No data for these dates."
    only: Filter | None = None
    where: Filter | None = None  # what must hold of the rows' metrics


class Panel(NamedTuple):
    key: str
    title: str
    tabs: tuple[Tab, ...]
    help: str  # the page of the manual

    def tab(self, key: str) -> Tab | None:
        return next((tab for tab in self.tabs if tab.key == key), None)


def _known(dimension: str, *others: str) -> Filter:
    """Leaves out rows without a value, and some others."""
    return Not(InListFilter(dimension, (NOT_SET, "", *others)))


NO_GOALS: Final = "No goal was reached. What counts says which events are goals."
_HAS_GOALS: Final = NumericFilter("keyEvents", "GREATER_THAN", 0)
VISITS: Final = ("totalUsers", "sessions")
VIEWS: Final = ("screenPageViews", "totalUsers")
EVENTS: Final = ("eventCount", "totalUsers")
NO_LINKS: Final = "No click on a link to another site was sent on these dates."
NO_FILES: Final = "No download was sent on these dates."
NO_SEARCHES: Final = (
    "No search on your site was sent on these dates: pages whose address has q, s, search or query count."
)
NO_FORMS: Final = "No form was sent on these dates."
UTM: Final = "No visit came by a tagged link. Add utm_source, utm_medium and utm_campaign to links in mails and ads."
PLACES: Final = "Places need a database of places; the manual says how to set one (HITSTREAM_PLACES)."

PANELS: Final = (
    Panel(
        "sources",
        "Sources",
        (
            Tab("channels", "Channels", "sessionDefaultChannelGroup", VISITS),
            Tab("sources", "Sources", "sessionSource", VISITS),
            Tab("mediums", "Source/medium", "sessionSourceMedium", VISITS),
            Tab("referrers", "Referrers", "pageReferrer", VISITS, only=_known("pageReferrer")),
            Tab("campaigns", "Campaigns", "sessionCampaignName", VISITS, UTM, _known("sessionCampaignName")),
            Tab("terms", "Terms", "sessionManualTerm", VISITS, UTM, _known("sessionManualTerm")),
            Tab("content", "Content", "sessionManualAdContent", VISITS, UTM, _known("sessionManualAdContent")),
        ),
        "where-visitors-come-from",
    ),
    Panel(
        "pages",
        "Pages",
        (
            Tab("top", "Top", "pagePath", VIEWS),
            Tab("entry", "Entry", "landingPage", VISITS),
            Tab("exit", "Exit", "exitPage", VISITS),
            Tab("titles", "Titles", "pageTitle", VIEWS),
            Tab("hosts", "Hosts", "hostName", VIEWS),
            Tab("groups", "Groups", "contentGroup", VIEWS, only=_known("contentGroup")),
        ),
        "reports",
    ),
    Panel(
        "places",
        "Places",
        (
            Tab("countries", "Countries", "country", VISITS, PLACES),
            Tab("regions", "Regions", "region", VISITS, PLACES),
            Tab("cities", "Cities", "city", VISITS, PLACES),
            Tab("languages", "Languages", "language", VISITS),
        ),
        "settings",
    ),
    Panel(
        "technology",
        "Technology",
        (
            Tab("devices", "Devices", "deviceCategory", VISITS),
            Tab("browsers", "Browsers", "browser", VISITS),
            Tab("systems", "Systems", "operatingSystem", VISITS),
            Tab("screens", "Screens", "screenResolution", VISITS),
        ),
        "reports",
    ),
    Panel(
        "goals",
        "Goals",
        (
            Tab("goals", "Goals", "eventName", ("keyEvents", "totalUsers"), NO_GOALS, where=_HAS_GOALS),
            Tab("events", "Events", "eventName", EVENTS),
            Tab("links", "Outbound links", "linkUrl", EVENTS, NO_LINKS, _known("linkUrl")),
            Tab("files", "Downloads", "fileName", EVENTS, NO_FILES, _known("fileName")),
            Tab("searches", "Searches", "searchTerm", EVENTS, NO_SEARCHES, _known("searchTerm")),
            Tab("forms", "Forms", "formId", EVENTS, NO_FORMS, _known("formId")),
        ),
        "rules",
    ),
)
PANEL: Final = {panel.key: panel for panel in PANELS}
