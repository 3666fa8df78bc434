"""What the manual says about the collector is complete."""

from pathlib import Path

import pytest

from collection.collector.metrics import REFUSALS, CollectorMetrics

PAGE = (Path(__file__).parents[2] / "docs/manual/collector.md").read_text()


def test_it_works() -> None:
    assert "/g/collect" in PAGE


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_is_explained(reason: str) -> None:
    assert f"| `{reason}` |" in PAGE


def test_every_figure_is_explained() -> None:
    families = [line.split()[2] for line in CollectorMetrics().lines() if line.startswith("# TYPE")]
    assert [name for name in families if f"`{name}" not in PAGE] == []
