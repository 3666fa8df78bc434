"""Comparisons and hits on trial as the templates show them."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from configuration.ruleset.describe import describe_rule
from configuration.ruleset.kinds import BY_TAG, kind_of
from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.trace import ColumnChange, EventTrace, Fact, RuleTrace, StepTrace
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.panels import TOTALS, card, format_value, readable_path
from reporting.dashboard.rejected_panel import printable, readable_content
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.reject_reasons import MEANINGS
from reporting.rules.comparison import ChangedMetric as ChangedValue
from reporting.rules.comparison import Comparison, RejectedGroup, TableChanges, Total
from reporting.rules.hit_test import HitTest, RecentHit

LONGEST: Final = 300  # characters of a value
NOTHING: Final = "–"
SIDES: Final = {
    "rejected": ("No longer counted", "These are counted before, and refused after."),
    "rescued": ("Counted again", "These are refused before, for the reason that is named, and count after."),
}
Said = dict[tuple[str, str], str]  # what a rule does, by kind and name


def comparison_panel(found: Comparison, zone: str) -> dict[str, Any]:
    """`zone` is that of the times of examples."""
    return {
        "first": found.first,
        "last": found.last,
        "same": found.same,
        "totals": [card(each.metric, each.after, each.before) for each in found.totals if _tells(each)],
        "tables": [_table(each) for each in found.tables if each.changes],
        "unchanged": [each.title for each in found.tables if not each.changes],
        "sides": [_side(name, *words, found, zone) for name, words in SIDES.items()],
    }  # fmt: skip


def hit_test_panel(trial: HitTest, rules: Ruleset) -> dict[str, Any]:
    said = {(kind_of(each), each.name): describe_rule(each) for each in rules.rules}
    return {
        "counted": trial.counted,
        "verdict": trial.verdict,
        "events": [_event(event, said) for event in trial.events],
    }


def recent_hits_panel(picks: list[RecentHit], zone: str) -> list[dict[str, str]]:
    return [
        {
            "position": str(pick.position),
            "time": _time(pick.time, zone),
            "reason": pick.reason,
            "content": readable_content(pick.content) if pick.reason else printable(pick.content),
        }
        for pick in picks
    ]


def _tells(total: Total) -> bool:
    """Most properties have no key events, or none with a value."""
    return total.metric in TOTALS or bool(total.before or total.after)


def _table(table: TableChanges) -> dict[str, Any]:
    largest = max((max(each.before, each.after) for each in table.changes), default=0) or 1
    return {
        "title": table.title,
        "dimension": dimension_label(table.dimension) if table.dimension in DIMENSIONS else table.title,
        "metric": metric_label(table.metric).text,
        "rows": [_row(table, each, largest) for each in table.changes],
        "more": f"{table.more:,}" if table.more else "",
    }


def _row(table: TableChanges, each: ChangedValue, largest: float) -> dict[str, str]:
    difference = each.after - each.before
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    return {
        "name": each.value,
        "text": readable_path(each.value) if table.dimension == "pagePath" else each.value,
        "before": format_value(table.metric, each.before),
        "after": format_value(table.metric, each.after),
        "change": f"{sign}{format_value(table.metric, abs(difference))}",
        "direction": "up" if difference > 0 else "down",
        "width_before": f"{100 * each.before / largest:.1f}",
        "width_after": f"{100 * each.after / largest:.1f}",
    }


def _side(name: str, title: str, about: str, found: Comparison, zone: str) -> dict[str, Any]:
    groups: tuple[RejectedGroup, ...] = getattr(found, name)
    return {
        "name": name,
        "title": title,
        "about": about,
        "hits": f"{sum(group.hits for group in groups):,}",
        "groups": [_group(group, zone) for group in groups],
    }


def _group(group: RejectedGroup, zone: str) -> dict[str, Any]:
    return {
        "reason": group.reason,
        "rule": group.rule,
        "hits": f"{group.hits:,}",
        "meaning": MEANINGS.get(group.reason, ""),
        "examples": [
            {
                "time": _time(each.time, zone),
                "content": readable_content(each.content),
                "position": str(each.position),
            }
            for each in group.examples
        ],
    }


def _event(event: EventTrace, said: Said) -> dict[str, Any]:
    return {
        "name": event.facts.get("event") or event.facts.get("en") or "",
        "refused": event.refused,
        "steps": [_step(step, said) for step in event.steps],
    }


def _step(step: StepTrace, said: Said) -> dict[str, Any]:
    rules = [_rule(rule, said) for rule in step.rules]
    return {
        "name": step.step.replace("_", " "),
        "why": step.why,
        "refused": step.refused,
        "changes": [_change(each) for each in step.changes],
        "acting": [rule for rule in rules if rule["acts"]],
        "idle": [rule for rule in rules if not rule["acts"]],
    }


def _rule(rule: RuleTrace, said: Said) -> dict[str, Any]:
    return {
        "kind": BY_TAG[rule.kind].one,
        "name": rule.name,
        "testing": rule.state == "testing",
        "sentence": said.get((rule.kind, rule.name), ""),
        "acts": rule.acts,
        "refused": rule.refused,
        "changes": [_change(each) for each in rule.changes],
    }


def _change(each: ColumnChange) -> dict[str, str]:
    return {"name": each.column.replace("_", " "), "before": _fact(each.before), "after": _fact(each.after)}


def _fact(value: Fact) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int | float) else value
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _time(milliseconds: int, zone: str) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
