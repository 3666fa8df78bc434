"""Salts, sessions, tokens and users that were deleted are in no file of the data folder, while the program runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.servers import ROOT

# The connection stays open all the time, as that of a running worker: closing the last one would empty the journal.
SCRIPT = """
import json, sys
from datetime import UTC, date, datetime
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from processing.maintenance.database_journal import empty_journal

def left(wanted):
    content = b"".join(path.read_bytes() for path in settings.DATA.rglob("*") if path.is_file())
    return sorted(name for name, value in wanted.items() if value in content)

# A database of the version before, which did not overwrite what it deleted.
call_command("migrate", "processing", "0007", verbosity=0)
call_command("migrate", "configuration", verbosity=0)
call_command("migrate", "sessions", verbosity=0)
from configuration.access.tokens import issue
from configuration.models import DaySalt, Property, PropertySalt, Token
from configuration.visitor_secrets import day_salts, delete_property_salts, expire_day_salts, property_salts

found = {}
connection.cursor().execute("PRAGMA secure_delete=OFF")
before = {"old salt": day_salts([date(2025, 1, 1)])[date(2025, 1, 1)]}
DaySalt.objects.all().delete()
empty_journal()
found["by the version before"] = left(before)
connection.close()
call_command("migrate", verbosity=0)
empty_journal()
found["after the update"] = left(before)

day = date(2026, 1, 1)
user = User.objects.create_superuser("somebody-special", "somebody@example.org", "a long password")
session = SessionStore()
session["note"] = "x"
session.create()
issue(user, "a name of a token")
wanted = {
    "day salt": day_salts([day])[day], "property salt": property_salts([7])[7],
    "session": session.session_key.encode(), "token": Token.objects.get().hash.encode(),
    "user": b"somebody@example.org",
}
found["kept"] = left(wanted)
expire_day_salts(datetime(2026, 2, 1, tzinfo=UTC), date(2026, 2, 1))
delete_property_salts([7])
session.delete()
Token.objects.all().delete()
user.delete()
found["deleted"] = left(wanted)
empty_journal()
found["journal emptied"] = left(wanted)
print(json.dumps(found))
"""


def test_it_works(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith("_URL")},
        "HITSTREAM_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    everything = ["day salt", "property salt", "session", "token", "user"]
    assert found == {
        "by the version before": ["old salt"],
        "after the update": [],
        "kept": everything,
        "deleted": found["deleted"],  # some of it is in the journal
        "journal emptied": [],
    }
    assert found["deleted"]
