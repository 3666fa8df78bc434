from django.apps import AppConfig


class ReportingConfig(AppConfig):
    name = "reporting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from configuration.drafts.publishing import checks_with_data, seen_events
        from configuration.pages.tabs import TABS, Tab
        from reporting.rules.publish_check import leaves_something
        from reporting.rules.seen_events import event_names, never_seen

        if leaves_something not in checks_with_data:
            checks_with_data.extend([leaves_something, never_seen])
            seen_events.append(event_names)
            TABS.extend(
                [
                    Tab("Try a hit", "rules-try"),
                    Tab("Preview", "rules-preview"),
                    Tab("History", "rules-history"),
                    Tab("Segments", "segments", in_admin=True),
                ]
            )
