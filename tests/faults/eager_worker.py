"""The worker of an installation, in a hurry: it seals every few hits, and merges and deletes at once."""

import os

EAGER_BLOCKS = 4


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")
    import django

    django.setup()
    from processing.maintenance import compaction
    from processing.management.commands.work import stop_on_signals
    from processing.receiving import batcher
    from processing.receiving.backlog import SealThresholds
    from processing.workers.wiring import make_worker, single_worker_lock
    from processing.workers.worker import WorkerIntervals

    vars(batcher).update(MAX_WAIT_S=0.05)
    vars(compaction).update(MERGE_BLOCKS=EAGER_BLOCKS, MOST_PARTS=2)
    with single_worker_lock():
        worker = make_worker(
            intervals=WorkerIntervals(turn_s=0.01, seal_every_s=0.05, maintenance_every_s=0.3),
            thresholds=SealThresholds(full_rows=30, worth_rows=1, age_s=0.1),
            grace_s=0.5,
        )
        worker.run(stop_on_signals())


if __name__ == "__main__":
    main()
