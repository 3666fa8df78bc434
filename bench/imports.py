"""Measures how many lines of a real access log are imported per second, until they are reported.

The log in tests/data is repeated with later days, so that no line occurs twice.

    python -m bench.imports [--times 30]
"""

import argparse
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench.record import record
from bench.site import ROOT, Site

SOURCE = ROOT / "tests" / "data" / "access-semicomplete-2015.log"
FIRST_DAYS = [datetime(2015, 5, day) for day in (17, 18, 19, 20)]  # noqa: DTZ001 - only names of days
DAY = "%d/%b/%Y"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    with Site() as site:
        lines = write_log(site.folder / "access.log", options.times)
        started = time.time()
        site.manage("import_access_log", str(site.folder / "access.log"), "--property", str(site.properties[0][0]))
        took = time.time() - started
        status = site.status(site.properties[0][0])
        memory = sum(site.rss_mb().values())
    if (status["accepted"], status["pending"]) != (lines, 0):
        raise SystemExit(f"{lines} lines were imported, but the status is {status}")
    figures = {"import_lps": lines / took, "import_rss_mb": memory}
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:20} {value:12.1f}\n")


def write_log(path: Path, times: int) -> int:
    """Writes the log `times` times, each time four days later. Returns the number of lines."""
    text = SOURCE.read_text(encoding="utf-8", errors="surrogateescape")
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        for number in range(times):
            later = text
            for day in FIRST_DAYS:
                later = later.replace(f"[{day:{DAY}}", f"[{day + timedelta(days=4 * number):%d/%b/%Y}|")
            file.write(later.replace("|", ""))
    return times * text.count("\n")


if __name__ == "__main__":
    main()
