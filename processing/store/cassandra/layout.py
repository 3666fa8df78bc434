"""The sizes of the layout on Cassandra, and what follows from them: how large a partition and a cell can become.

The tables are in schema.cql.
"""

import re
from pathlib import Path
from typing import Final

SCHEMA_FILE: Final = Path(__file__).with_name("schema.cql")
FORMAT: Final = 1

CELL_BYTES: Final = 512 * 1024
PAYLOAD_CELL_BYTES: Final = 64 * 1024  # of a raw block one property is read, seldom the whole
PACK_BYTES: Final = 64 * 1024  # small chunks of a segment share a cell of that size
BUCKET_CELLS: Final = 128
PAGE_BLOCKS: Final = 128
SEGMENT_SHARDS: Final = 64
COMMITS_KEPT: Final = 16
ID_BYTES: Final = 16

ROW_BYTES: Final = 64  # of a row beside its values: keys, time stamp, lengths
LARGEST_PARTITION: Final = 100 * 2**20


def statements() -> list[str]:
    """Returns the statements of schema.cql, in order."""
    text = re.sub(r"^--.*$", "", SCHEMA_FILE.read_text(), flags=re.MULTILINE)
    return [each.strip() for each in text.split(";\n") if each.strip()]


def largest_partitions(blocks: int, segments: int, partitions: int, generations: int) -> dict[str, int]:
    """Bytes of the largest partition of each table, by what there is at once: raw blocks of one partition of a log,
    segments in all, partitions of logs, generations of one property.
    """
    content = BUCKET_CELLS * (CELL_BYTES + ROW_BYTES)
    entry = ROW_BYTES + 160  # two ids, nine numbers, the context's name
    pages = -(-blocks // PAGE_BLOCKS) + blocks // PAGE_BLOCKS // 2  # deletions leave pages partly filled
    return {
        "formats": ROW_BYTES + 20,
        "labels": ROW_BYTES + 40,
        "logs": partitions * (ROW_BYTES + 40),
        "blocks": pages * (PAGE_BLOCKS * entry + ROW_BYTES),
        "manifests": generations * (ROW_BYTES + 60) + COMMITS_KEPT * (ID_BYTES + 4) + ROW_BYTES,
        "segments": -(-segments // SEGMENT_SHARDS) * 2 * (ROW_BYTES + 200),  # twice the mean: names are hashed
        "contexts": ROW_BYTES + 120,
        "payloads": BUCKET_CELLS * (PAYLOAD_CELL_BYTES + ROW_BYTES),
        "columns": content,
        "documents": content,
    }
