"""Collector and Django on one port. `collector` is the collector alone, for machines that do nothing else."""

import os
from threading import Thread

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from analytics_site.bridge import WsgiInThreads
from collection.app import Collector
from collection.asgi import AsgiCollector
from collection.http import AddressBook
from collection.log import open_log_that_spills
from processing.pending import lag
from processing.warming import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")

_log = open_log_that_spills(settings.LOG_URL, settings.DATA / "spill")
_django = WsgiInThreads(get_wsgi_application(), AddressBook(settings.TRUSTED_PROXIES))
_collector = Collector(_log, trusted_proxies=settings.TRUSTED_PROXIES, lags=lambda: {"worker": lag(_log)})

collector = AsgiCollector(_collector)
application = AsgiCollector(_collector, rest=_django)
Thread(target=warm_up, name="warm up", daemon=True).start()
