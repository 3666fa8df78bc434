from django.apps import AppConfig
from django.db.models.signals import post_save


class ConfigurationConfig(AppConfig):
    name = "configuration"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from configuration.drafts.publishing import publish_first_version
        from configuration.models import Property

        post_save.connect(publish_first_version, sender=Property, dispatch_uid="publish_first")
