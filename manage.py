#!/usr/bin/env python
"""Django's command line: `python manage.py help`."""

import os
import sys

from django.core.management import execute_from_command_line

from analytics_site.command_errors import EXPECTED, explain

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except EXPECTED as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(explain(error))
