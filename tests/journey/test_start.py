"""What a server is told to serve can be imported by a new process, in which nothing has made Django ready."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT


@pytest.mark.parametrize("name", ["asgi", "asgi_collector", "asgi_reporting"])
def test_it_works(name: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_URL") and "DJANGO" not in key}
    done = subprocess.run(
        [sys.executable, "-c", f"from analytics_site.{name} import application"],
        env={**kept, "HITSTREAM_DATA": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
