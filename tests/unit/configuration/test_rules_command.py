"""`manage.py rules`: rules as files."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from configuration.checks.check import Finding
from configuration.drafts import publishing
from configuration.drafts.draft import draft
from configuration.drafts.publishing import published
from configuration.models import Property
from configuration.rule_models import AuditEntry, RulesVersion
from configuration.ruleset.document import encode_document
from configuration.ruleset.ruleset import Ruleset
from tests.support.rule_examples import EXAMPLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(name="Shop")


def run(property: Property, action: str, *words: str) -> str:
    out = io.StringIO()
    call_command("rules", action, *words, "--property", str(property.pk), stdout=out)
    return out.getvalue()


def file_of(folder: Path, *kinds: str) -> Path:
    path = folder / "rules.json"
    path.write_bytes(encode_document(Ruleset(1, 0, rules=tuple(EXAMPLES[kind][0] for kind in kinds))))
    return path


def test_it_works(shop: Property, tmp_path: Path) -> None:
    file = file_of(tmp_path, "filter", "key event")
    assert "Filter “Office” was added" in run(shop, "import", "--file", str(file))
    assert run(shop, "check") == "Nothing is wrong.\n"
    assert run(shop, "publish", "--note", "first rules") == "Version 2 is published; new hits are counted by it.\n"
    assert "command line  first rules" in run(shop, "versions").splitlines()[1]
    assert run(shop, "export") == run(shop, "export", "2") == file.read_text()
    assert run(shop, "diff") == "They are the same.\n"
    assert "Filter “Office” was added" in run(shop, "diff", "1", "2")
    assert "Filter “Office” was deleted" in run(shop, "diff", "2", "1")
    assert run(shop, "again", "1", "--author", "ann") == "Version 3 is published; new hits are counted by it.\n"
    assert draft(shop).rules == ()
    assert AuditEntry.objects.all()[0].user == "ann"


def test_a_file_is_written_and_imported_into_another_property(shop: Property, tmp_path: Path) -> None:
    run(shop, "import", "--file", str(file_of(tmp_path, *EXAMPLES)))
    written, other = tmp_path / "written.json", Property.objects.create(name="Blog")
    run(shop, "export", "--file", str(written))
    run(other, "import", "--file", str(written))
    assert draft(other).rules == draft(shop).rules
    assert run(other, "import", "--file", str(written)) == "The draft was the same already.\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "truncated"),
        ('{"settings": {}, "rules": [{"kind": "nope"}]}', r"at `\$\.rules\[0\]\.kind`; kinds are filter"),
        ('{"settings": {"zone": "Mars"}, "rules": []}', "error: settings.zone: 'Mars' is not a time zone"),
    ],
)
def test_files_that_make_no_sense(shop: Property, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rules.json").write_text(content)
    with pytest.raises(CommandError, match=message):
        run(shop, "import", "--file", str(tmp_path / "rules.json"))
    assert not AuditEntry.objects.exclude(action="published").exists()


def test_names_that_come_twice(shop: Property, tmp_path: Path) -> None:
    file = file_of(tmp_path, "bot")
    twice = json.loads(file.read_text())
    twice["rules"] *= 2
    file.write_text(json.dumps(twice))
    with pytest.raises(CommandError, match="error: bot “Checker”, rules.1..name: Another bot is called 'Checker'"):
        run(shop, "import", "--file", str(file))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["publish"], "Nothing changed since version 1"),
        (["again"], "Name one version"),
        (["again", "7"], "There is no version 7"),
        (["export", "7"], "There is no version 7"),
        (["diff", "1", "1", "1"], "At most two"),
        (["import", "--file", "/nowhere/rules.json"], "No such file"),
    ],
)
def test_what_cannot_be_done(shop: Property, words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(shop, *words)
    assert RulesVersion.objects.count() == 1


def test_a_property_that_is_not() -> None:
    with pytest.raises(CommandError, match="There is no property 17"):
        call_command("rules", "export", "--property", "17")


def test_errors_of_the_check_end_the_command(shop: Property, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("filter", "Office", "when", "Nothing would be left.", "error")]
    monkeypatch.setattr(publishing, "checks_with_data", [lambda ruleset: found])
    with pytest.raises(CommandError, match="1 errors"):
        run(shop, "check")
    assert published(shop.pk, 2) is None
