"""Records figures in var/bench.json, each with the day of its measurement."""

import json
import time
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "var" / "bench.json"


def record(**figures: float) -> None:
    """Adds the figures to those in the file."""
    FILE.parent.mkdir(exist_ok=True)
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    known |= {
        name: {"value": round(value, 4), "measured": time.strftime("%Y-%m-%d")} for name, value in figures.items()
    }
    FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
