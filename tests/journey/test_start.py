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


@pytest.mark.parametrize("name", ["run.lock", "secret_key"])
def test_a_data_folder_that_cannot_be_used_ends_in_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir(mode=0o700)  # cannot be written, not even by root
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_URL") and "DJANGO" not in key}
    done = subprocess.run(
        [sys.executable, "manage.py", "run"],
        env={**kept, "HITSTREAM_DATA": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{tmp_path}/{name} cannot be used: Is a directory." in done.stderr
    assert "Traceback" not in done.stderr
