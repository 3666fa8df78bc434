from django.apps import AppConfig


class ReportingConfig(AppConfig):
    name = "reporting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from configuration.drafts.publishing import checks_with_data
        from configuration.pages.tabs import TABS, Tab
        from reporting.rules.publish_check import leaves_something

        if leaves_something not in checks_with_data:
            checks_with_data.append(leaves_something)
            TABS.extend(
                [Tab("Try a hit", "rules-try"), Tab("Preview", "rules-preview"), Tab("History", "rules-history")]
            )
