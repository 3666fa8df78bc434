"""The form of each kind of rule: plain words, an example beside each field, what is wrong at the field."""

import re
from typing import Any, ClassVar, Final

import msgspec
from django import forms
from django.core.exceptions import ValidationError

from configuration.drafts.draft import draft, etag_of, rule_of
from configuration.drafts.editing import findings_of_change, with_rule
from configuration.models import DraftRule, Property
from configuration.pages.form_fields import LinesField, condition_field, parts_field
from configuration.rule_models import LONGEST_NAME, LONGEST_NOTE
from configuration.ruleset.describe import TESTS
from configuration.ruleset.fields import FIELDS
from configuration.ruleset.findings import Finding
from configuration.ruleset.kinds import BY_TAG
from configuration.ruleset.ruleset import Rule, Ruleset

STATES: Final = [
    ("on", "On: it changes the numbers once published"),
    ("testing", "Testing: it changes nothing, but trace and preview say what it would do"),
    ("off", "Off: it does nothing"),
]
TEXT_TESTS: Final = [(test, "matches the pattern" if test == "pattern" else said[0]) for test, said in TESTS.items()]
REWRITABLE: Final = [(field.name, field.label) for field in FIELDS.values() if field.rewritable]
ALL_HITS: Final = "Leave it empty for all."


class RuleForm(forms.Form):
    """`warnings` are what the check says besides errors, once the form is valid."""

    kind: ClassVar[str] = ""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="How you call it, for instance “Office in Berlin”.")
    state = forms.ChoiceField(choices=STATES, initial="on")
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why it is there, for whoever reads it in a year.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, property: Property, row: DraftRule | None, data: Any = None) -> None:
        self.property, self.old, self.warnings = property, rule_of(row) if row else None, list[str]()
        super().__init__(data, initial=_initial(self.old), label_suffix="")
        own = [name for name in self.fields if name not in RuleForm.base_fields]
        self.order_fields(["name", *own, "state", "note"])
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"help-{name} errors-{name}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.old is not None and cleaned.get("seen") != etag_of_rule(self.old):
            raise ValidationError("Somebody changed this rule while you had it open. Look at it again, then change it.")
        if not self.errors:
            self._check(self.rule())
        return cleaned

    def rule(self) -> Rule:
        """Of a form without errors in its fields."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        plain = msgspec.to_builtins({"kind": self.kind, **given})
        rule: Rule = msgspec.convert(plain, Rule)
        return rule

    def _check(self, rule: Rule) -> None:
        before = draft(self.property)
        after = with_rule(before, self.old, rule)
        own = f"rules[{[id(each) for each in after.rules].index(id(rule))}]"
        for found in findings_of_change(before, after):
            self._show(found, found.place.removeprefix(own) if _is_within(found.place, own) else None)

    def _show(self, found: Finding, place: str | None) -> None:
        """`place` is within this rule; None: in another one, which the change breaks."""
        if place is None:
            where = f"{BY_TAG[found.kind].one} “{found.rule}”: " if found.kind in BY_TAG else ""
            message, field = f"{where}{found.message}", None
        else:
            message, field = found.message, _field_of(place)
        if found.severity == "warning":
            self.warnings.append(message)
        elif field in self.fields:
            self._mark(field, place or "", message)
        else:
            self.add_error(None, message)

    def _mark(self, field: str, place: str, message: str) -> None:
        """At the field; where it has rows, the script shows it at the row of this place."""
        self.add_error(field, message)
        inner = re.sub(rf"^\.?{re.escape(field)}", "", place)
        marks = self.fields[field].widget.attrs.setdefault("data-marks", "")
        self.fields[field].widget.attrs["data-marks"] = f"{marks}{inner}\t{message}\n"


class FilterForm(RuleForm):
    kind = "filter"
    action = forms.ChoiceField(
        label="What it does",
        choices=[("exclude", "Do not count hits where …"), ("include", "Count only hits where …")],
        help_text="With several “count only” filters, a hit must pass each of them.",
    )
    when = condition_field("Where", "For instance: page path begins with /admin.")


class RewriteForm(RuleForm):
    kind = "rewrite"
    field = forms.ChoiceField(
        label="Field", choices=REWRITABLE, help_text="What is changed, before anything counts it."
    )
    change = forms.ChoiceField(
        label="How",
        choices=[
            ("lower_case", "Write it in small letters"),
            ("replace", "Replace a text by another"),
            ("drop_parameters", "Drop parameters of the page's query"),
        ],
        help_text="Small letters make one page of /Shop and /shop.",
    )
    search = forms.CharField(
        label="Replace", required=False, strip=False, help_text="For instance /index.html; only for “replace”."
    )
    pattern = forms.BooleanField(
        label="It is a pattern", required=False, help_text="A regular expression (RE2), such as ^/shop/([0-9]+)."
    )
    replacement = forms.CharField(
        label="by", required=False, strip=False, help_text="Empty deletes it. $1 is the first group of a pattern."
    )
    parameters = LinesField(
        label="Parameters",
        required=False,
        help_text="One per line, for instance sessionid; only for “drop parameters”.",
    )
    keep_only = forms.BooleanField(
        label="Keep these and drop all others", required=False, help_text="Otherwise these are dropped."
    )
    when = condition_field("Only where", ALL_HITS, required=False)


class BotForm(RuleForm):
    kind = "bot"
    action = forms.ChoiceField(
        label="Who sends it is",
        choices=[("block", "a robot: not counted"), ("allow", "no robot: counted, whatever the lists say")],
    )
    test = forms.ChoiceField(label="User agent", choices=TEXT_TESTS, initial="contains")
    user_agent = forms.CharField(
        label="Text", help_text="A part of what the program calls itself, for instance UptimeChecker. Case is ignored."
    )


class SpamForm(RuleForm):
    kind = "spam"
    domains = LinesField(
        label="Domains", help_text="One per line, for instance free-traffic.example; those below it are meant too."
    )


class InternalForm(RuleForm):
    kind = "internal"
    networks = LinesField(
        label="Networks",
        required=False,
        help_text="One per line, for instance 203.0.113.0/24. Addresses are kept shortened, so write whole networks.",
    )
    traffic_type = forms.CharField(
        label="Traffic type",
        required=False,
        help_text="What your tracker sends as traffic_type, for instance internal.",
    )


class ReferralForm(RuleForm):
    kind = "referral exclusion"
    domains = LinesField(
        label="Domains", help_text="One per line, for instance pay.example; those below it are meant too."
    )


class ChannelGroupForm(RuleForm):
    kind = "channel group"
    channels = parts_field("Channels", "The first whose condition holds for a session's first event is its channel.")
    otherwise = forms.CharField(label="All others", initial="Unassigned", max_length=100, help_text="Their channel.")


class ContentGroupForm(RuleForm):
    kind = "content group"
    groups = parts_field("Groups", "The first whose condition holds is the event's group.")
    otherwise = forms.CharField(
        label="All others", required=False, max_length=100, help_text="Their group; empty: “(not set)”."
    )


class KeyEventForm(RuleForm):
    kind = "key event"
    event = forms.CharField(label="Event", help_text="Its name, for instance purchase or sign_up.")
    when = condition_field("Only where", ALL_HITS, required=False)
    once = forms.ChoiceField(
        label="Counted",
        choices=[("event", "each time"), ("session", "the first time in a session only")],
        help_text="Once a session is right for what people do again by mistake, such as sending a form.",
    )
    value = forms.CharField(
        label="Worth",
        required=False,
        help_text="A number in the property's currency, for instance 12.50. May be empty.",
    )
    value_parameter = forms.CharField(
        label="or its parameter", required=False, help_text="The event's parameter with the worth, for instance value."
    )


class CustomDimensionForm(RuleForm):
    kind = "custom dimension"
    parameter = forms.CharField(label="Parameter", help_text="As the tracker sends it, for instance article_author.")
    scope = forms.ChoiceField(
        label="Of",
        choices=[("event", "the event"), ("user", "the visitor")],
        help_text="In reports it is customEvent:… or customUser:… with the parameter's name.",
    )


class CustomMetricForm(RuleForm):
    kind = "custom metric"
    parameter = forms.CharField(label="Parameter", help_text="A number that the tracker sends, for instance score.")
    unit = forms.ChoiceField(
        label="Unit", choices=[("standard", "a plain number"), ("currency", "money"), ("seconds", "seconds")]
    )


FORMS: Final[dict[str, type[RuleForm]]] = {
    form.kind: form
    for form in (
        FilterForm, RewriteForm, BotForm, SpamForm, InternalForm, ReferralForm, ChannelGroupForm, ContentGroupForm,
        KeyEventForm, CustomDimensionForm, CustomMetricForm,
    )
}  # fmt: skip


def etag_of_rule(rule: Rule) -> str:
    """Tells a rule from what it was when a form was opened."""
    return etag_of(Ruleset(0, rules=(rule,)))


def _initial(old: Rule | None) -> dict[str, Any]:
    if old is None:
        return {}
    return {**msgspec.structs.asdict(old), "seen": etag_of_rule(old)}


def _is_within(place: str, own: str) -> bool:
    return place == own or place.startswith((f"{own}.", f"{own}["))


def _field_of(place: str) -> str:
    match = re.match(r"\.?(\w+)", place)
    return match[1] if match else ""
