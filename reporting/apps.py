from django.apps import AppConfig


class ReportingConfig(AppConfig):
    name = "reporting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from configuration.publishing import checks_with_data
        from reporting.rules_check import leaves_something

        if leaves_something not in checks_with_data:
            checks_with_data.append(leaves_something)
