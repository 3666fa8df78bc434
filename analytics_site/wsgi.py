import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")
django.setup(set_prefix=False)

from analytics_site.requests import Pages  # noqa: E402 - needs the settings

application = Pages()
