#!/usr/bin/env python
"""Django's command line: `python manage.py help`. `--env-file FILE` before the command reads settings from a file."""

import os
import sys

from django.core.management import execute_from_command_line

from analytics_site.command_checks import check_before
from analytics_site.command_errors import EXPECTED, explain, is_of_the_disk
from analytics_site.env_file import InvalidEnvironmentFile, take_env_file

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")
    try:
        arguments = take_env_file(sys.argv)
        check_before(arguments)
        execute_from_command_line(arguments)
    except InvalidEnvironmentFile as error:
        sys.exit(str(error))
    except EXPECTED as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(explain(error))
    except OSError as error:
        if "--traceback" in sys.argv or not is_of_the_disk(error):
            raise
        sys.exit(explain(error))
