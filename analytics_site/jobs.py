"""Sends the dispatcher's jobs by Celery."""

import analytics_site.celery  # noqa: F401 - tasks are of this application
from processing import tasks


class CeleryJobs:
    """See `processing.dispatcher.Jobs`."""

    def receive(self, number: int) -> None:
        tasks.receive.apply_async((number,))

    def seal(self, property: int) -> None:
        tasks.seal.apply_async((property,))
