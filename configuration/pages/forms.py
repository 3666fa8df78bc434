"""The form of each kind of rule, with an example beside each field and errors at their fields."""

import re
from typing import Any, ClassVar, Final

import msgspec
from django import forms
from django.core.exceptions import ValidationError

from configuration.drafts.draft import draft, etag_of, rule_of
from configuration.drafts.editing import findings_of_change, with_rule
from configuration.drafts.publishing import seen_events
from configuration.models import DraftRule, Property
from configuration.pages.form_fields import DomainsField, LinesField, SeenValues, condition_field, parts_field
from configuration.rule_models import LONGEST_NAME, LONGEST_NOTE
from configuration.ruleset.describe import TESTS
from configuration.ruleset.fields import FIELDS
from configuration.ruleset.findings import Finding
from configuration.ruleset.kinds import BY_TAG
from configuration.ruleset.ruleset import Rule, Ruleset

STATES: Final = [
    ("on", "On: it changes the numbers once published"),
    ("testing", "Testing: it changes nothing, but hit test and preview say what it would do"),
    ("off", "Off: it does nothing"),
]
TEXT_TESTS: Final = [(test, "matches the pattern" if test == "pattern" else words[0]) for test, words in TESTS.items()]
REWRITABLE: Final = [(field.name, field.label) for field in FIELDS.values() if field.rewritable]
ALL_HITS: Final = "Leave empty for all hits."


class RuleForm(forms.Form):
    """The fields that all kinds of rules have. Once the form is valid, `warnings` are the warnings of the check."""

    kind: ClassVar[str] = ""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="Your name for it, for example “Office in Berlin”.")
    state = forms.ChoiceField(choices=STATES, initial="on")
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why the rule exists, for anyone who reads it in a year.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, property: Property, row: DraftRule | None, data: Any = None) -> None:
        self.property, self.old, self.warnings = property, rule_of(row) if row else None, list[str]()
        initial = {**msgspec.structs.asdict(self.old), "seen": etag_of_rule(self.old)} if self.old else {}
        super().__init__(data, initial=initial, label_suffix="")
        own = [name for name in self.fields if name not in RuleForm.base_fields]
        self.order_fields(["name", *own, "state", "note"])
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"help-{name} errors-{name}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.old is not None and cleaned.get("seen") != etag_of_rule(self.old):
            raise ValidationError(
                "Somebody changed this rule while you had it open. Open it again, then make your change."
            )
        if not self.errors:
            self._check(self.rule())
        return cleaned

    def rule(self) -> Rule:
        """Returns the rule that the form describes; its fields must be free of errors."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        rule: Rule = msgspec.convert(msgspec.to_builtins({"kind": self.kind, **values}), Rule)
        return rule

    def _check(self, rule: Rule) -> None:
        """Adds the findings that the rule brings to the draft: at the field, or for the whole form."""
        before = draft(self.property)
        after = with_rule(before, self.old, rule)
        number = next(number for number, other in enumerate(after.rules) if other is rule)
        for finding in findings_of_change(before, after):
            path = re.fullmatch(rf"rules\[{number}\]((?:[.\[].*)?)", finding.place)
            self._add_finding(finding, path[1] if path else None)

    def _add_finding(self, finding: Finding, path: str | None) -> None:
        """`path` is the place within this rule, such as `.when.of[1].value`; None for another rule that it breaks."""
        field, message = "", finding.message
        if path is not None:
            name = re.match(r"\.?(\w+)", path)
            field = name[1] if name else ""
        elif finding.kind in BY_TAG:
            message = f"{BY_TAG[finding.kind].one} “{finding.rule}”: {message}"
        if finding.severity == "warning":
            self.warnings.append(message)
        elif field in self.fields:
            self.add_error(field, message)
            # The script shows the message at the row of this place: `.of[1].value<tab>message`, one per line.
            row = re.sub(rf"^\.?{re.escape(field)}", "", path or "")
            attributes = self.fields[field].widget.attrs
            attributes["data-marks"] = f"{attributes.get('data-marks', '')}{row}\t{message}\n"
        else:
            self.add_error(None, message)


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
        label="Field", choices=REWRITABLE, help_text="The field that is changed, before anything counts it."
    )
    change = forms.ChoiceField(
        label="How",
        choices=[
            ("lower_case", "Make lowercase"),
            ("replace", "Replace a text with another"),
            ("drop_parameters", "Remove parameters from the page's query"),
        ],
        help_text="Lowercase makes /Shop and /shop one page.",
    )
    search = forms.CharField(
        label="Replace", required=False, strip=False, help_text="For example /index.html; only for “replace”."
    )
    pattern = forms.BooleanField(
        label="This is a pattern", required=False, help_text="A regular expression (RE2), such as ^/shop/([0-9]+)."
    )
    replacement = forms.CharField(
        label="with",
        required=False,
        strip=False,
        help_text="Leave empty to delete the text. $1 is the first group of a pattern.",
    )
    parameters = LinesField(
        label="Parameters",
        required=False,
        help_text="One per line, for example sessionid; only for “remove parameters”.",
    )
    keep_only = forms.BooleanField(
        label="Keep only these", required=False, help_text="If not ticked, these are removed."
    )
    when = condition_field("Only where", ALL_HITS, required=False)


class BotForm(RuleForm):
    kind = "bot"
    action = forms.ChoiceField(
        label="The sender is",
        choices=[("block", "a robot: not counted"), ("allow", "not a robot: counted, whatever the lists say")],
    )
    test = forms.ChoiceField(label="User agent", choices=TEXT_TESTS, initial="contains")
    user_agent = forms.CharField(
        label="Text", help_text="Part of the program's user agent, for example UptimeChecker. Case is ignored."
    )


class SpamForm(RuleForm):
    kind = "spam"
    domains = DomainsField(
        label="Domains", help_text="One per line, for example free-traffic.example; subdomains are included."
    )


class InternalForm(RuleForm):
    kind = "internal"
    networks = LinesField(
        label="Networks",
        required=False,
        help_text="One per line, for example 203.0.113.0/24. Addresses are kept shortened, so write whole networks.",
    )
    traffic_type = forms.CharField(
        label="Traffic type",
        required=False,
        help_text="The traffic_type that your tracker sends, for example internal.",
    )


class ReferralForm(RuleForm):
    kind = "referral exclusion"
    domains = DomainsField(label="Domains", help_text="One per line, for example pay.example; subdomains are included.")


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
    event = forms.CharField(
        label="Event",
        help_text="The name of the event, for example purchase or sign_up. Those of the last 30 days are offered.",
        widget=SeenValues,
    )
    when = condition_field("Only where", ALL_HITS, required=False)
    once = forms.ChoiceField(
        label="Counted",
        choices=[("event", "each time"), ("session", "once per session")],
        help_text="Once per session is right for actions that people repeat by mistake, such as sending a form.",
    )
    value = forms.CharField(
        label="Value",
        required=False,
        help_text="A number in the property's currency, for example 12.50. May be empty.",
    )
    value_parameter = forms.CharField(
        label="or its parameter",
        required=False,
        help_text="The event parameter that holds the value, for example value.",
    )

    def __init__(self, property: Property, row: DraftRule | None, data: Any = None) -> None:
        super().__init__(property, row, data)
        offered = self.fields["event"].widget
        if isinstance(offered, SeenValues):
            offered.values = [name for names in seen_events for name in names(property.pk)]


class CustomDimensionForm(RuleForm):
    kind = "custom dimension"
    parameter = forms.CharField(label="Parameter", help_text="As the tracker sends it, for example article_author.")
    scope = forms.ChoiceField(
        label="Of",
        choices=[("event", "the event"), ("user", "the visitor")],
        help_text="In reports it is customEvent:… or customUser:… with the parameter's name.",
    )


class CustomMetricForm(RuleForm):
    kind = "custom metric"
    parameter = forms.CharField(label="Parameter", help_text="A number that the tracker sends, for example score.")
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
    """Changes with the rule, so that a form notices that somebody else changed it meanwhile."""
    return etag_of(Ruleset(0, rules=(rule,)))
