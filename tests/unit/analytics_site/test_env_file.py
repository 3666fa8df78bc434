"""A file of settings means the same to systemd, to a shell and to manage.py, or is refused."""

import os
import subprocess
from pathlib import Path

import pytest

from analytics_site.env_file import InvalidEnvironmentFile, read_env_file, take_env_file

STORE = "cassandra://me:p$s`w;rd@node1,node2/hitstream?dc=dc1&replication=3"
GOOD = f"""\
# the settings of all machines
LOG_URL=kafka://10.0.0.1:9092,10.0.0.2:9092/hits

STORE_URL='{STORE}'
HITSTREAM_DEMO=0
EMPTY=
HITSTREAM_TRUSTED_PROXIES='10.0.0.1, 10.0.0.2'
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "environment"
    path.write_text(GOOD)
    return path


def test_it_works(file: Path) -> None:
    assert read_env_file(file) == {
        "LOG_URL": "kafka://10.0.0.1:9092,10.0.0.2:9092/hits",
        "STORE_URL": STORE,
        "HITSTREAM_DEMO": "0",
        "EMPTY": "",
        "HITSTREAM_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
    }


def test_a_shell_reads_the_same(file: Path) -> None:
    script = f"set -a; . {file}; env -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    read = dict(pair.split("=", 1) for pair in done.stdout.split("\0") if pair)
    assert {name: read[name] for name in read_env_file(file)} == read_env_file(file)


@pytest.mark.parametrize(
    "line",
    [
        "STORE_URL=cassandra://a/b?dc=dc1&replication=3",
        'SECRET_KEY="in double quotes"',
        "SECRET_KEY=with space",
        "SECRET_KEY='not closed",
        "SECRET_KEY='a\\'b'",
        "SECRET_KEY=$HOME",
        "SECRET_KEY=a#b",
        "SECRET_KEY=a;b",
        "export SECRET_KEY=a",
        "SECRET_KEY = a",
        "SECRET_KEY",
        "HITSTREAM_DEMO=1",
        "SECRET_KEY='made on Windows'\r",
        "SECRET_KEY=plain\r",
        "SECRET_KEY='a\0b'",
    ],
)
def test_a_line_that_others_would_read_in_another_way_is_refused(file: Path, line: str) -> None:
    file.write_bytes((GOOD + line).encode())
    with pytest.raises(InvalidEnvironmentFile, match="line 8") as refused:
        read_env_file(file)
    value = line.partition("=")[2]
    assert len(value) < 3 or value not in str(refused.value)


@pytest.mark.parametrize("words", [["--env-file", "{}"], ["--env-file={}"]])
def test_the_option_is_taken_out(file: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    for name in read_env_file(file):
        monkeypatch.setenv(name, "from the environment")
    rest = take_env_file(["manage.py", *(word.format(file) for word in words), "fsck", "--traceback"])
    assert rest == ["manage.py", "fsck", "--traceback"]
    assert os.environ["STORE_URL"] == STORE


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironmentFile, match=r"none cannot be read: No such file"):
        take_env_file(["manage.py", "--env-file", str(tmp_path / "none"), "fsck"])
    with pytest.raises(InvalidEnvironmentFile, match="needs the name"):
        take_env_file(["manage.py", "--env-file"])
