"""Measures what each stored column costs: bytes for each hit of a day of one property, raw and for reports.

    python -m bench.columns [--hits 400000] [--all]

Columns below a hundredth of a byte are added up, unless all are asked for. `other` is what the files have beside their
columns: what describes them, and small sections.
"""

import argparse
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bench.month import live_through, stored
from bench.record import record

SMALL: Final = 0.01  # bytes for each hit
PREFIX: Final = re.compile("^of_[0-9_]+")  # of the names that segments store sections under
SECTIONS: Final = {"rows": "raw", "stretches": "condensed"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=400_000)
    parser.add_argument("--all", action="store_true", help="list also the columns that cost almost nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH")) as name:
        live_through(Path(name), options.hits, 1)
        whole, columns = stored(Path(name))["segments"], measure(Path(name))
    say(
        {column: bytes / options.hits for column, bytes in columns.items()},
        whole / options.hits,
        everything=options.all,
    )
    record(stored_bytes_a_hit=whole / options.hits)


def measure(folder: Path) -> Counter[tuple[str, str]]:
    """Returns bytes by section and column, over all segments of the manifest."""
    from processing.segments.manifest import decode_manifest
    from processing.store import open_store

    store, bytes = open_store(f"sqlite://{folder}/store"), Counter[tuple[str, str]]()
    (number,) = filter(None, store.properties())
    pinned = store.manifest(number)
    for segment in decode_manifest(pinned.data).segment_names() if pinned else ():
        for section in store.sections(segment):
            bytes += measured(store, segment, section)
    return bytes


def measured(store: Any, segment: str, section: str) -> Counter[tuple[str, str]]:
    """Writes each column as a file of its own: a column's bytes do not depend on the columns beside it."""
    from processing.store.parquet_file import encode_parquet

    kind = PREFIX.sub("", section)
    sizes = Counter[tuple[str, str]]()
    for name in store.read(segment, section, None, (0, 0)).columns:
        column = store.read(segment, section, [name])
        sizes[SECTIONS.get(kind, kind), name] = len(encode_parquet(column)) - len(encode_parquet(column.clear()))
    return sizes


def say(columns: dict[tuple[str, str], float], whole: float, *, everything: bool) -> None:
    shown = {column: bytes for column, bytes in columns.items() if everything or bytes >= SMALL}
    for (section, name), bytes in sorted(shown.items(), key=lambda item: (item[0][0], -item[1])):
        sys.stdout.write(f"{section:16} {name:24} {bytes:8.3f}\n")
    for section in sorted({section for section, _ in columns}):
        total = sum(bytes for (each, _), bytes in columns.items() if each == section)
        sys.stdout.write(f"{section:16} {'all columns':24} {total:8.3f}\n")
    sys.stdout.write(f"{'other':41} {whole - sum(columns.values()):8.3f}\n{'all':41} {whole:8.3f} bytes a hit\n")


if __name__ == "__main__":
    main()
