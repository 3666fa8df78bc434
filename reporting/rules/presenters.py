"""Comparisons and hit tests as the templates show them: texts and numbers formatted for people."""

from typing import Any, Final

from configuration.moments import moment
from configuration.ruleset.describe import describe_rule
from configuration.ruleset.kinds import BY_TAG, kind_of
from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.trace import ColumnChange, EventTrace, Fact, RuleTrace, StepTrace
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.number_format import format_value
from reporting.dashboard.page_request import TOTALS
from reporting.dashboard.panels import card, readable_path
from reporting.dashboard.rejected_panel import printable, readable_content
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.reject_reasons import MEANINGS
from reporting.rules.comparison import ChangedMetric, Comparison, RejectedGroup, TableChanges, Total
from reporting.rules.hit_test import HitTest, RecentHit

LONGEST_FACT: Final = 300  # characters
EMPTY: Final = "–"
Descriptions = dict[tuple[str, str], str]  # what a rule does, by kind and name


def comparison_panel(comparison: Comparison, zone: str) -> dict[str, Any]:
    """Returns the context of _comparison.html; `zone` is that of the times of examples."""
    return {
        "first": comparison.first,
        "last": comparison.last,
        "same": comparison.same,
        "totals": [card(total.metric, total.after, total.before) for total in comparison.totals if _is_shown(total)],
        "tables": [_table(table) for table in comparison.tables if table.changes],
        "unchanged": [table.title for table in comparison.tables if not table.changes],
        "sides": [
            {
                "name": "rejected",
                "title": "No longer counted",
                "about": "These hits are counted before and rejected after.",
                **_rejected_groups(comparison.rejected, zone),
            },
            {
                "name": "rescued",
                "title": "Counted again",
                "about": "These hits are rejected before, for the reason shown, and counted after.",
                **_rejected_groups(comparison.rescued, zone),
            },
        ],
    }


def hit_test_panel(test: HitTest, rules: Ruleset) -> dict[str, Any]:
    """Returns the context of _hit_test.html."""
    descriptions = {(kind_of(rule), rule.name): describe_rule(rule) for rule in rules.rules}
    return {
        "counted": test.counted,
        "verdict": test.verdict,
        "events": [_event(event, descriptions) for event in test.events],
    }


def recent_hits_panel(hits: list[RecentHit], zone: str) -> list[dict[str, str]]:
    return [
        {
            "position": str(hit.position),
            "time": _time(hit.time, zone),
            "reason": hit.reason,
            "content": readable_content(hit.content) if hit.reason else printable(hit.content),
        }
        for hit in hits
    ]


def _is_shown(total: Total) -> bool:
    """Most properties have no key events, or none with a value: their zeros would only be in the way."""
    return total.metric in TOTALS or bool(total.before or total.after)


def _table(table: TableChanges) -> dict[str, Any]:
    largest = max(max(change.before, change.after) for change in table.changes) or 1
    return {
        "title": table.title,
        "dimension": dimension_label(table.dimension) if table.dimension in DIMENSIONS else table.title,
        "metric": metric_label(table.metric).text,
        "rows": [_row(table, change, largest) for change in table.changes],
        "more": f"{table.more:,}" if table.more else "",
    }


def _row(table: TableChanges, change: ChangedMetric, largest: float) -> dict[str, str]:
    difference = change.after - change.before
    sign = "+" if difference > 0 else "\N{MINUS SIGN}"
    return {
        "name": change.value,
        "text": readable_path(change.value) if table.dimension == "pagePath" else change.value,
        "before": format_value(table.metric, change.before),
        "after": format_value(table.metric, change.after),
        "change": f"{sign}{format_value(table.metric, abs(difference))}",
        "direction": "up" if difference > 0 else "down",
        "width_before": f"{100 * change.before / largest:.1f}",
        "width_after": f"{100 * change.after / largest:.1f}",
    }


def _rejected_groups(groups: tuple[RejectedGroup, ...], zone: str) -> dict[str, Any]:
    return {
        "hits": f"{sum(group.hits for group in groups):,}",
        "groups": [
            {
                "reason": group.reason,
                "rule": group.rule,
                "hits": f"{group.hits:,}",
                "meaning": MEANINGS.get(group.reason, ""),
                "examples": [
                    {
                        "time": _time(hit.time, zone),
                        "content": readable_content(hit.content),
                        "position": str(hit.position),
                    }
                    for hit in group.examples
                ],
            }
            for group in groups
        ],
    }


def _event(event: EventTrace, descriptions: Descriptions) -> dict[str, Any]:
    return {
        "name": event.facts.get("event") or event.facts.get("en") or "",
        "refused": event.refused,
        "steps": [_step(step, descriptions) for step in event.steps],
    }


def _step(step: StepTrace, descriptions: Descriptions) -> dict[str, Any]:
    rules = [_rule(rule, descriptions) for rule in step.rules]
    return {
        "name": step.step.replace("_", " "),
        "why": step.why,
        "refused": step.refused,
        "changes": [_change(change) for change in step.changes],
        "acting": [rule for rule in rules if rule["acts"]],
        "idle": [rule for rule in rules if not rule["acts"]],
    }


def _rule(rule: RuleTrace, descriptions: Descriptions) -> dict[str, Any]:
    return {
        "kind": BY_TAG[rule.kind].one,
        "name": rule.name,
        "testing": rule.state == "testing",
        "sentence": descriptions.get((rule.kind, rule.name), ""),
        "acts": rule.acts,
        "refused": rule.refused,
        "changes": [_change(change) for change in rule.changes],
    }


def _change(change: ColumnChange) -> dict[str, str]:
    return {
        "name": change.column.replace("_", " "),
        "before": _format_fact(change.before),
        "after": _format_fact(change.after),
    }


def _format_fact(value: Fact) -> str:
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int | float) else value
    return text if len(text) <= LONGEST_FACT else f"{text[:LONGEST_FACT]}…"


def _time(milliseconds: int, zone: str) -> str:
    return moment(milliseconds, zone, seconds=True)
