"""What is written about the project is compared with the project."""

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from analytics_site import env

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)[^)]*\)")


def documented_settings() -> set[str]:
    text = (ROOT / "docs/manual/settings.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def test_it_works() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert lines[:3] == ["# Hitstream", "", "```sh"]
    assert lines[3:6] == ["make run", "make test", "```"]


def test_every_setting_is_documented() -> None:
    assert documented_settings() == set(env.DECLARED)


def test_settings_are_read_in_one_place() -> None:
    """Benchmarks and tests hand an environment to the processes that they start; the product has one reader."""
    product = tracked(
        "analytics_site/*.py", "collection/*.py", "configuration/*.py", "processing/*.py", "reporting/*.py"
    )
    readers = {path.name for path in product if re.search(r"os\.(getenv|environ\b(?!\.setdefault))", path.read_text())}
    assert readers == {"env.py"}


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = [target for target in LINK.findall(path.read_text()) if "://" not in target]
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_decisions_have_a_number_each() -> None:
    pages = {path: path.read_text() for path in (ROOT / "docs/adr").glob("*.md")}
    assert len({path.name[:4] for path in pages}) == len(pages)
    assert not [path for path, text in pages.items() if not text.startswith(f"# {int(path.name[:4])}. ")]


def test_commands_of_the_readme_exist() -> None:
    """Each is read and its arguments are declared, as `manage.py help` does."""
    there = get_commands()
    for command in set(re.findall(r"manage\.py (\w+)", (ROOT / "README.md").read_text())):
        app = there[command]
        assert isinstance(app, str)
        assert load_command_class(app, command).create_parser("manage.py", command).format_help()


def test_no_path_or_host_of_a_machine_is_in_the_project() -> None:
    of_a_machine = re.compile(r"(?<![\w.])/(work|root)/\w|/home/\w+/\w|--(extra-)?index-url|python" + "hosted")
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in tracked() if "data" not in path.parts}
    assert not [path for path, text in texts.items() if of_a_machine.search(text)]


def test_every_test_file_begins_with_the_plain_case() -> None:
    first = {
        path: re.search(r"^    def (test_\w+)|^def (test_\w+)", path.read_text(), re.MULTILINE)
        for path in tracked("tests/**/test_*.py")
    }
    assert not [str(path) for path, match in first.items() if match and "test_it_works" not in match.groups()]


def test_no_merge_was_left_half_done() -> None:
    marks = tuple(mark * 7 + " " for mark in "<>")
    assert not [path for path in tracked() if any(line.startswith(marks) for line in lines_of(path))]


def lines_of(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "replace").splitlines()
