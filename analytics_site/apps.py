from django.apps import AppConfig
from django.db.backends.signals import connection_created


class SiteConfig(AppConfig):
    name = "analytics_site"

    def ready(self) -> None:
        from analytics_site.server_errors import server_of
        from configuration.outages import OUTAGES

        OUTAGES.classify = server_of
        connection_created.connect(lambda **_: OUTAGES.ended("database"), weak=False, dispatch_uid="database answers")
