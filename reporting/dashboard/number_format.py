"""Numbers as pages show them to people."""

from typing import Final

from reporting.dashboard.labels import SHARES
from reporting.registry.metrics import METRICS

SMALLEST_CHANGE: Final = 0.0005
LARGE_CHANGE: Final = 1
MINUS: Final = "\N{MINUS SIGN}"


def format_value(metric: str, value: float) -> str:
    """Returns a metric's value for people: `0.254` -> `25.4%`, `75` seconds -> `1m 15s`, `1234` -> `1,234`."""
    if metric in SHARES:
        return f"{value:.1%}"
    if METRICS[metric].type == "SECONDS":
        minutes, seconds = divmod(round(value), 60)
        return f"{minutes}m {seconds:02d}s" if minutes else f"{seconds}s"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def compact(metric: str, value: float) -> str:
    """Returns a value for an axis: `12500` -> `12.5k`, `0.25` -> `25%`, `90` seconds -> `1m 30s`."""
    if metric in SHARES:
        return f"{100 * value:.3g}%"
    if METRICS[metric].type == "SECONDS":
        return format_value(metric, value)
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def change(metric: str, value: float, was: float) -> tuple[str, str]:
    """Returns a change in words and its direction: up, down, same, or new where nothing was before.

    The change of a share is a difference (in points), that of all others is relative.
    """
    if not was:
        return ("new", "new") if value else ("", "same")
    difference = value - was if metric in SHARES else (value - was) / was
    if abs(difference) < SMALLEST_CHANGE:
        return "0%", "same"
    digits = 1 if abs(difference) < LARGE_CHANGE else 0
    text = f"{100 * difference:+.1f} pts" if metric in SHARES else f"{difference:+,.{digits}%}"
    return text.replace("-", MINUS), "up" if difference > 0 else "down"
