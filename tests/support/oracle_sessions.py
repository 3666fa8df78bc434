"""What events say of their sessions, campaigns and interactions: a part of oracle_reports.py."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

Fact = dict[str, Any]

NOT_SET = "(not set)"
INTERACTIONS = (
    *("linkUrl", "linkDomain", "linkText", "linkId", "linkClasses", "outbound", "fileName", "fileExtension"),
    *("percentScrolled", "searchTerm", "formId", "formName", "formDestination"),
    *("videoTitle", "videoUrl", "videoProvider", "videoPercent", "method"),
)
DETAILS = ("ManualTerm", "ManualAdContent", "CampaignId", "SourcePlatform", "ClickIdKind")


def with_sessions(facts_: list[Fact]) -> list[Fact]:
    """Adds what is known of the whole session: where it begins, its exit page, and which view is its exit."""
    by_session = defaultdict(list)
    for fact in facts_:
        by_session[fact["session"]].append(fact)
    for session in by_session.values():
        session.sort(key=lambda e: (e["time"], e["sequence"], e["hit"], e["index"]))
        views = [fact for fact in session if fact["page_view"]]
        for fact in session:
            fact["begin"] = session[0]
            fact["exit"] = views[-1]["path"] if views else None
            fact["exits"] = bool(views) and fact is views[-1]
    return facts_


def _interaction(name: str, fact: Fact) -> str:
    said: dict[str, str] = fact["interaction"]
    return said.get(name, NOT_SET)


def _detail(number: int, fact: Fact) -> str:
    said: tuple[str, ...] = fact["details"]
    return said[number] or NOT_SET


def _detail_of_session(number: int, fact: Fact) -> str:
    return _detail(number, fact["begin"])


SESSION_DIMENSIONS: dict[str, Callable[[Fact], str]] = {
    **{name: partial(_interaction, name) for name in INTERACTIONS},
    **{f"{name[0].lower()}{name[1:]}": partial(_detail, number) for number, name in enumerate(DETAILS)},
    **{f"session{name}": partial(_detail_of_session, number) for number, name in enumerate(DETAILS)},
    "landingPage": lambda fact: fact["landing"][0] or NOT_SET,
    "landingPagePlusQueryString": lambda fact: (
        (fact["landing"][0] or NOT_SET) + (f"?{fact['landing'][1]}" if fact["landing"][1] else "")
    ),
    "exitPage": lambda fact: fact["exit"] or NOT_SET,
    "sessionNumber": lambda fact: fact["begin"]["visit_number"] or NOT_SET,
}
