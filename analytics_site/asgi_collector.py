"""The collector alone. It opens the log only, neither database nor store."""

import os

from django.conf import settings

from collection.collector.app import Collector
from collection.collector.asgi import AsgiCollector
from collection.log import open_log_that_spills
from configuration.adapters import kinds_in_use

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")

_log = open_log_that_spills(settings.LOG_URL, settings.DATA / "spill")
application = AsgiCollector(Collector(_log, trusted_proxies=settings.TRUSTED_PROXIES, adapters=kinds_in_use(("log",))))
