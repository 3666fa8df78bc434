"""The dashboard's pages. One pinned view for each page, so that all panels speak of the same moment."""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from configuration.models import Property
from reporting.dashboard import Period, panels
from reporting.reasons import MEANINGS
from reporting.source import Status, status_of, view_of

PERIODS: Final = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "28d": "Last 28 days",
    "90d": "Last 90 days",
    "365d": "Last 12 months",
}
DEFAULT_PERIOD: Final = "28d"
SAMPLES: Final = 5


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first property that the user may see."""
    first = Property.objects.visible_to(request.user).order_by("name", "id").first()
    return redirect("dashboard", first.id) if first else render(request, "reporting/no_properties.html")


@login_required
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Where the chooser's form leads."""
    query = QueryDict(mutable=True)
    query.update({name: request.GET[name] for name in ("period", "from", "to") if name in request.GET})
    return redirect(f"{reverse('dashboard', args=[_number(request.GET.get('property', ''))])}?{query.urlencode()}")


@login_required
@require_GET
def dashboard(request: HttpRequest, property_id: int) -> HttpResponse:
    return render(request, "reporting/dashboard.html", _page(request, property_id))


@login_required
@require_GET
def panels_only(request: HttpRequest, property_id: int) -> HttpResponse:
    """The panels as a fragment; 304 where nothing has changed since the ETag."""
    response = render(request, "reporting/_panels.html", _page(request, property_id))
    response["ETag"] = f'"{blake2b(response.content, digest_size=12).hexdigest()}"'
    return HttpResponseNotModified() if request.headers.get("If-None-Match") == response["ETag"] else response


def _page(request: HttpRequest, property_id: int) -> dict[str, Any]:
    visible = Property.objects.visible_to(request.user).order_by("name", "id")
    chosen = get_object_or_404(visible, pk=property_id)
    view = view_of(chosen.id)
    today = datetime.now(ZoneInfo(view.zone)).date()
    name, period = _period(request, today)
    status = status_of(view, chosen.measurement_id)
    return {
        "property": chosen,
        "properties": visible,
        "periods": PERIODS.items(),
        "period": name,
        "query": request.GET.urlencode(),
        "first": period.first,
        "last": period.last,
        "zone": view.zone,
        "snippet": _snippet(request, chosen),
        **_sums(status),
        **(panels(view, period, today) if status.accepted else {}),
        "rejected": _rejected(view.rejected(period.first, period.last)),
    }


def _snippet(request: HttpRequest, chosen: Property) -> str:
    return f'<script async src="{request.build_absolute_uri("/hs.js")}?id={chosen.measurement_id}"></script>'


def _sums(status: Status) -> dict[str, Any]:
    """0 accepted means that nothing came yet: the page says how to begin."""
    numbers = {
        "accepted": status.accepted,
        "counted": status.counted,
        "all_rejected": status.rejected,
        "pending": status.pending,
    }
    return {name: f"{number:,}" if number else 0 for name, number in numbers.items()}


def _period(request: HttpRequest, today: date) -> tuple[str, Period]:
    """The period that the address names; a name or a day that is none falls back to the default."""
    try:
        first, last = date.fromisoformat(request.GET["from"]), date.fromisoformat(request.GET["to"])
    except (KeyError, ValueError):
        name = request.GET.get("period", DEFAULT_PERIOD)
        return _named(name if name in PERIODS else DEFAULT_PERIOD, today)
    return "custom", Period(min(first, last), max(first, last))


def _named(name: str, today: date) -> tuple[str, Period]:
    if name == "yesterday":
        return name, Period(today - timedelta(days=1), today - timedelta(days=1))
    days = 1 if name == "today" else int(name.removesuffix("d"))
    return name, Period(today - timedelta(days=days - 1), today)


def _rejected(rows: pl.DataFrame) -> list[dict[str, Any]]:
    counts = rows["reason"].value_counts(sort=True).iter_rows()
    return [
        {
            "name": reason,
            "count": f"{count:,}",
            "meaning": MEANINGS[reason],
            "samples": _samples(rows.filter(pl.col("reason") == reason)),
        }
        for reason, count in counts
    ]


def _samples(rows: pl.DataFrame) -> list[dict[str, str]]:
    """The latest few."""
    latest = rows.top_k(SAMPLES, by=["time", "position"]).select("time", "content")
    return [
        {"time": f"{datetime.fromtimestamp(time / 1000, tz=UTC):%Y-%m-%d %H:%M:%S}", "content": content or ""}
        for time, content in latest.rows()
    ]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
