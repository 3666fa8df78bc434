"""Collector and Django on one port. `collector` is the collector alone, for machines that do nothing else."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from analytics_site.bridge import WsgiInThreads
from collection.app import Collector
from collection.asgi import AsgiCollector
from collection.http import networks
from collection.log import open_log

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")

_django = get_wsgi_application()
_collector = Collector(open_log(settings.LOG_URL), trusted_proxies=networks(settings.HITSTREAM_TRUSTED_PROXIES))

collector = AsgiCollector(_collector)
application = AsgiCollector(_collector, rest=WsgiInThreads(_django))
