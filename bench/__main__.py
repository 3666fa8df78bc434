"""Runs all measurements, one after the other, in about twenty minutes. Each writes its figures to var/bench.json.

python -m bench [name ...]
"""

import subprocess
import sys
import time

from bench.record import FILE
from bench.site import ROOT

MEASUREMENTS: dict[str, list[str]] = {
    "accept": ["bench.accept"],
    "end_to_end": ["bench.end_to_end"],
    "reports": ["bench.reports"],
    "kinds": ["bench.kinds"],
    "heavy_reports": ["bench.heavy_reports"],
    "rejected": ["bench.rejected"],
    "imports": ["bench.imports"],
    "freshness": ["bench.freshness"],
    "sign_in": ["bench.sign_in"],
    "history": ["bench.history"],
    "month": ["bench.month", "--hits", "1000000"],
    "scale": ["bench.scale"],
    "columns": ["bench.columns"],
    "properties": ["bench.freshness", "--hits", "0", "--properties", "1000"],
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        sys.stderr.write(f"no measurement {unknown[0]!r}; there are {', '.join(MEASUREMENTS)}\n")
        return 2
    failed = []
    for name in names or MEASUREMENTS:
        sys.stdout.write(f"== {name}, {time.strftime('%H:%M:%S')}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, "-m", *MEASUREMENTS[name]], cwd=ROOT, check=False).returncode:
            failed.append(name)
    sys.stdout.write(f"{FILE.read_text() if FILE.exists() else ''}{'failed: ' + ', '.join(failed) if failed else ''}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
