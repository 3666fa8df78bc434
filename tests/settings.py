"""The product's settings on a throw-away data folder: no test reads or writes the data of a real installation.

HITSTREAM_TEST_DATABASE_URL names another database than SQLite, see `on_postgres.py`.
"""

import atexit
import os
import shutil
import tempfile

DATA_FOLDER = tempfile.mkdtemp(prefix="hitstream-tests-")
atexit.register(shutil.rmtree, DATA_FOLDER, ignore_errors=True)
for name in [name for name in os.environ if not name.startswith("HITSTREAM_TEST_")]:
    if name.endswith("_URL") or name.startswith("HITSTREAM_"):
        del os.environ[name]
os.environ["HITSTREAM_DATA"] = DATA_FOLDER
if database := os.environ.get("HITSTREAM_TEST_DATABASE_URL"):
    os.environ |= {"DATABASE_URL": database, "SECRET_KEY": "of tests", "HITSTREAM_SECRET": "of tests"}

from analytics_site.settings import *  # noqa: E402, F403
from tests.support.clock import now as CLOCK  # noqa: E402, F401

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ENGINE_URL = "processes://0"  # type: ignore[misc] # a process takes a second to start; tests of processes name them
