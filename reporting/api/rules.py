"""The part of the API of rules that needs hits: hit tests, previews of the draft, runs over history.

For users who may change the rules of a property. Not found (404) for users who may not see it.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeVar

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.api.body import StrictJson
from configuration.api.views import Refusal, RulesView
from configuration.drafts.publishing import next_rules, published
from configuration.models import Property, Token
from configuration.numbers import LARGEST_NUMBER
from configuration.ruleset.ruleset import Ruleset
from processing.dry_run.pasted_hit import UnreadablePaste
from processing.models import HistoryRun
from processing.reprocessing.run_requests import RunRefused
from reporting.clock import today_in
from reporting.model.date_ranges import read_day
from reporting.model.report import ReportError
from reporting.read_access import view_of
from reporting.rules import run_status as runs
from reporting.rules.before_after import NoComparison, preview_comparison, run_comparison, with_testing_on
from reporting.rules.comparison import Comparison
from reporting.rules.hit_test import HitTest, NoSuchHit, evaluate_pasted_hit, evaluate_received_hit, hit_test_as_json

AT_ONCE: Final = 100
DAY: Final = "A date of a report: 2026-11-01, 6daysAgo, yesterday, today."
Form = TypeVar("Form")


class TryForm(msgspec.Struct, forbid_unknown_fields=True):
    """Either `hit`, as a person pastes it, or `position` of one that was received. `version`: of the rules."""

    hit: str | None = None
    position: int | str | None = None
    version: int | Literal["draft"] = "draft"
    user_agent: str | None = None
    address: str | None = None


class PreviewForm(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """`testing`: whether rules in the state testing count as on."""

    first: str = "6daysAgo"
    last: str = "today"
    testing: bool = False


class HistoryForm(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """Without days: all days. `rules` is the number of the expected version; refused if it is not the newest."""

    first: str | None = None
    last: str | None = None
    rules: int | None = None


class MayLook(BasePermission):
    """A token needs the scope read or configure to look, and configure to change; a signed-in session has both."""

    message = "This token may not do that; issue one with the scope configure."

    def has_permission(self, request: Request, view: APIView) -> bool:
        looks = request.method in SAFE_METHODS or getattr(view, "changes_nothing", False)
        scopes = ("read", "configure") if looks else ("configure",)
        return not isinstance(request.auth, Token) or any(request.auth.allows(scope) for scope in scopes)


class EditorsView(RulesView):
    """A view of one property for users who may change its rules. `changes_nothing` marks a POST that only reads."""

    changes_nothing = False

    def get_permissions(self) -> list[Any]:
        return [IsAuthenticated(), MayLook()]

    def get_parsers(self) -> list[Any]:
        return [StrictJson()]

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_in_http(exc))


class TryHit(EditorsView):
    """Tests a hit: says what each step and each rule does to it, and whether it is counted. Nothing is stored.

    A pasted hit gets the `User-Agent` and the address of the caller, unless the body names others.
    """

    changes_nothing = True

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int) -> Response:
        form = _read(request, TryForm)
        rules = _rules(self.property, form.version)
        if (form.hit is None) == (form.position is None):
            raise ValidationError({"detail": "Name either `hit` or `position`."})
        return Response({"version": form.version, **hit_test_as_json(self._try(request, form, rules))})

    def _try(self, request: Request, form: TryForm, rules: Ruleset) -> HitTest:
        if form.hit is None:
            return evaluate_received_hit(self.property.pk, _position(form.position), rules)
        agent = request.headers.get("User-Agent", "") if form.user_agent is None else form.user_agent
        address = request.META.get("REMOTE_ADDR", "") if form.address is None else form.address
        return evaluate_pasted_hit(self.property, form.hit, rules, agent, address)


class PreviewRules(EditorsView):
    """Compares what the draft would make of some days with what reports show now. Nothing is changed."""

    changes_nothing = True

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int) -> Response:
        form = _read(request, PreviewForm)
        rules = next_rules(self.property)
        first, last = _days(form.first, form.last, self.property.pk)
        found = preview_comparison(self.property.pk, with_testing_on(rules) if form.testing else rules, first, last)
        return Response(comparison_as_json(found))


class Runs(EditorsView):
    """Runs over history: lists them, the latest first, and starts one."""

    @extend_schema(operation_id="properties_history_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, number: int) -> Response:
        return Response(
            [runs.run_as_json(run) for run in HistoryRun.objects.filter(property=self.property.pk)[:AT_ONCE]]
        )

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request, number: int) -> Response:
        form = _read(request, HistoryForm)
        if (form.first is None) != (form.last is None):
            raise ValidationError({"detail": "Name both ends of the days, `from` and `to`, or none."})
        days = _days(form.first, form.last, self.property.pk) if form.first and form.last else None
        run = runs.start_run(self.property.pk, request.user, days, form.rules)
        return Response(runs.run_as_json(run), 201)


class Run(EditorsView):
    """One run: its progress and, once it is done, what it changed: on its last 28 days, unless others are named."""

    @extend_schema(
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter(name, OpenApiTypes.STR, description=DAY) for name in ("from", "to")],
    )
    def get(self, request: Request, number: int, run: int) -> Response:
        found = _run(self.property, run)
        ends = [request.query_params.get(name) for name in ("from", "to")]
        days = _days(ends[0] or ends[1], ends[1] or "today", self.property.pk) if any(ends) else None
        compared = run_comparison(found, days)
        return Response({**runs.run_as_json(found), "comparison": comparison_as_json(compared) if compared else None})


class RunAction(EditorsView):
    """Pauses, resumes or cancels a run, or rolls it back (undo). The worker acts a moment later."""

    action = ""

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int, run: int) -> Response:
        found = _run(self.property, run)
        runs.apply_action(found, self.action, request.user)
        return Response(runs.run_as_json(found))


def comparison_as_json(found: Comparison) -> dict[str, Any]:
    """As plain values of JSON; positions are strings, since many programs read large numbers inexactly."""
    return {
        "from": found.first,
        "to": found.last,
        "same": found.same,
        "totals": [each._asdict() for each in found.totals],
        "tables": [
            {**table._asdict(), "changes": [each._asdict() for each in table.changes]} for table in found.tables
        ],
        **{
            side: [
                {**each._asdict(), "examples": [{**e._asdict(), "position": str(e.position)} for e in each.examples]}
                for each in getattr(found, side)
            ]
            for side in ("rejected", "rescued")
        },
    }


def _in_http(error: Exception) -> Exception:
    """Errors of the domain as HTTP errors; other errors as they are."""
    answers: dict[type[Exception], Callable[[], Exception]] = {
        NoComparison: lambda: Refusal(getattr(error, "status", 409), str(error)),
        RunRefused: lambda: Refusal(409, str(error)),
        UnreadablePaste: lambda: ValidationError({"detail": str(error)}),
        NoSuchHit: lambda: NotFound(str(error)),
        ReportError: lambda: ValidationError({"detail": str(error)}),
    }
    found = answers.get(type(error))
    return found() if found else error


def _read(request: Request, form: type[Form]) -> Form:
    """Raises ValidationError, also for a body that is nested too deep to be read."""
    try:
        return msgspec.convert(request.data, form)
    except msgspec.ValidationError as error:
        raise ValidationError({"detail": f"{error}."}) from error
    except RecursionError as error:
        raise ValidationError({"detail": "The request is nested too deep."}) from error


def _rules(item: Property, version: int | Literal["draft"]) -> Ruleset:
    if version == "draft":
        return next_rules(item)
    found = published(item.pk, min(version, LARGEST_NUMBER))
    if found is None:
        raise NotFound(f"There is no version {version}.")
    return found


def _position(given: int | str | None) -> int:
    text = str(given)
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) < 2**64):
        raise ValidationError({"detail": f"{text[:40]!r} is not the position of a hit."})
    return int(text)


def _days(first: str | None, last: str | None, property: int) -> tuple[date, date]:
    today = today_in(view_of(property).zone)
    days = read_day(first or "today", today), read_day(last or "today", today)
    if days[0] > days[1]:
        raise ValidationError({"detail": f"The days begin on {days[0]} and end before that, on {days[1]}."})
    if days[1] > today + timedelta(days=1):  # tomorrow has begun in other time zones
        raise ValidationError({"detail": f"{days[1]} is after tomorrow; no hit of that day can be here yet."})
    return days


def _run(item: Property, number: int) -> HistoryRun:
    found = HistoryRun.objects.filter(property=item.pk, pk=min(number, LARGEST_NUMBER)).first()
    if found is None:
        raise NotFound(f"There is no run {number} of this property.")
    return found
