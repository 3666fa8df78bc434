"""Loops of the workers over properties, requests, runs and ranges: one that fails must not stop the others.

Each goes through a `Backoff`, or is named here with the reason why nothing in it fails for one of them alone.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

FOLDERS = ("workers", "maintenance", "privacy", "receiving", "reprocessing")
SUBJECTS = {"property", "properties", "request", "run", "item", "range", "subscription", "segment", "name"}
OF_ONE_COMMAND = {  # a person runs them and reads what they say
    "maintenance/fsck.py", "maintenance/store_copy.py", "privacy/export.py", "privacy/find_visitors.py",
    "privacy/pages.py", "workers/subscriber.py", "receiving/lag.py",
}  # fmt: skip
IN_MEMORY = "only values in memory"
ONE_SUBJECT = "all of it is one property's, request's or range's"
ALLOWED = {
    "for property, sent in list(self._sent_seals.items())": "a manifest that cannot be read is None; else the broker",
    "for property in ready": "sends jobs: the broker fails for all",
    "for item in overdue": "sends jobs: the broker fails for all",
    "for count, item in enumerate(self._batcher.next_ranges(busy=busy), start=len(unfinished) + 1)": "the same",
    "for property in store.properties()": "a manifest that cannot be read is skipped",
    "for subscription in Subscription.objects.filter(log=log.id, seen_at__lt=now - HOLD)": "the log fails for all",
    "for name, position in positions.items()": IN_MEMORY,
    "for name, value in values.items()": ONE_SUBJECT,
    "for property in _targets(request)": ONE_SUBJECT,
    "for property, received in (": ONE_SUBJECT,
    "for property, arrivals in tails.items()": IN_MEMORY,
    "for item in ranges": IN_MEMORY,
    "for run in _runs(list(old.order_by('first')[:MERGED_ROWS])[:-1])": "ranges of the ledger: one transaction",
    "for property, hits in sorted(cleaned.items()) if is_first else ()": "the ledger: one transaction",
    "for property, rows in received.rows.items()": IN_MEMORY,
    "for item in ledger.unfinished_or_done_within(self._log.id, age + CLOCKS)": IN_MEMORY,
}


def loops() -> Iterator[tuple[str, str, str]]:
    """File, head and code of every loop over such things."""
    root = Path(settings.BASE_DIR) / "processing"
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        file = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.For) and file not in OF_ONE_COMMAND:
                names = {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
                if names & SUBJECTS:
                    yield (
                        file,
                        f"for {ast.unparse(node.target).strip('()')} in {ast.unparse(node.iter)}",
                        ast.unparse(node),
                    )


def test_it_works() -> None:
    found = list(loops())
    assert len(found) > 15
    unguarded = [
        f"{file}: {head}"
        for file, head, code in found
        if "backoff" not in code and not any(head.startswith(allowed) for allowed in ALLOWED)
    ]
    assert unguarded == [], "let the loop use a Backoff, or name it in ALLOWED with the reason"


def test_no_reason_is_left_behind() -> None:
    heads = [head for _, head, _ in loops()]
    assert [allowed for allowed in ALLOWED if not any(head.startswith(allowed) for head in heads)] == []
