"""The table of docs/manual/addresses.md says what the code understands."""

from pathlib import Path
from typing import Final

import pytest

from configuration.addresses import FORMS, Form

PAGE: Final = (Path(__file__).parents[3] / "docs" / "manual" / "addresses.md").read_text()


def row(scheme: str, form: Form) -> str:
    port = "each host has one" if form.port is None else f"{form.port} if none is given"
    path = form.path.words if form.path else "none"
    cells = [
        f"`{scheme}://`",
        form.login,
        form.hosts,
        port if form.hosts not in ("none", "a number") else "none",
        path if form.path_required or not form.path else f"{path}; may be missing",
        ", ".join(f"`{name}`" for name in form.parameters) or "none",
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("scheme", FORMS)
def test_it_works(scheme: str) -> None:
    assert row(scheme, FORMS[scheme]) in PAGE.splitlines()


@pytest.mark.parametrize("scheme", FORMS)
def test_each_parameter_is_explained(scheme: str) -> None:
    for name, parameter in FORMS[scheme].parameters.items():
        assert any(line.startswith(f"| `{name}` |") and parameter.words in line for line in PAGE.splitlines()), (
            f"{name}: {parameter.words}"
        )
