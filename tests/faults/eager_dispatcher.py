"""The dispatcher of a cluster, in a hurry: tails are sealed every few hits, jobs sent again soon, and blocks merged and
deleted at once.
"""

import os

EAGER_BLOCKS = 4


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")
    import django

    django.setup()
    from analytics_site.jobs import CeleryJobs
    from processing.maintenance import compaction
    from processing.management.commands.work import stop_on_signals
    from processing.receiving import batcher
    from processing.receiving.backlog import SealThresholds
    from processing.workers.dispatcher import DispatchIntervals
    from processing.workers.wiring import make_dispatcher

    vars(batcher).update(MAX_WAIT_S=0.05, MAX_WAIT_BUSY_S=0.2)
    vars(compaction).update(MERGE_BLOCKS=EAGER_BLOCKS, MOST_PARTS=2)
    intervals = DispatchIntervals(
        seal_every_s=0.2, maintenance_every_s=0.5, range_again_s=3.0, seal_again_s=5.0, lease_s=2.0
    )
    stop = stop_on_signals()
    thresholds = SealThresholds(full_rows=30, worth_rows=1, age_s=0.1)
    make_dispatcher(CeleryJobs(), intervals=intervals, thresholds=thresholds, grace_s=1.0).run(stop)


if __name__ == "__main__":
    main()
