"""A whole installation in a folder: log, store, ledger, worker, reader.

The real parts. A test adds to `now`, the seconds that have passed, and may replace `wall_clock`, which tells the time
of day.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from collection.hit import FORMAT, RawHit, encode
from collection.log import open_log
from configuration.clock import WallClock
from configuration.ruleset.context import Context, ReceiveSettings
from configuration.ruleset.ruleset import encode_ruleset, plain_ruleset, ruleset_name
from processing.concurrency.backoff import Backoff
from processing.engine import open_engine
from processing.ingest.geoip import GeoDatabase, NoGeoDatabase
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.maintenance.compaction import Retention
from processing.privacy.erasure_requests import ErasureWorker
from processing.receiving.backlog import Backlog
from processing.receiving.contexts import LoadRules
from processing.receiving.local_receiver import LocalReceiver
from processing.reprocessing.runs import HistoryRunner
from processing.segments.read_view import ReadView
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from processing.workers.config import MaintenanceConfig
from processing.workers.worker import Worker
from tests.support import clock

SHOP = ReceiveSettings(id=101, measurement_id="G-SHOP000001", name="Shop", domains=("shop.example",))
BLOG = ReceiveSettings(id=102, measurement_id="G-BLOG000001", name="Blog", zone="Europe/Berlin")
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)


class Installation:
    """Log, store, ledger and worker in a folder. `restart` makes new objects over the same files, as a new process
    would.
    """

    def __init__(
        self,
        folder: Path,
        properties: Sequence[ReceiveSettings] = (SHOP, BLOG),
        places: GeoDatabase | None = None,
        rules: LoadRules | None = None,
        store_url: str = "",
        log_url: str = "",
        engine_url: str = "processes://0",
    ) -> None:
        """Log and store are in the folder too, or at other addresses."""
        self.engine_url = engine_url
        self.rules = rules or plain_rules
        self.log_url = log_url or f"sqlite://{folder}/log"
        self.folder, self.context, self.now = folder, Context(tuple(properties)), 0.0
        self.wall_clock: WallClock = clock.now
        self.store_url = store_url or f"sqlite://{folder}/store"
        self.places: GeoDatabase = places or NoGeoDatabase()
        self.retention: Mapping[int, Retention] = {}
        self.log_hours: int | None = None
        self.restart()

    def restart(self) -> None:
        self.log, self.store = open_log(self.log_url), open_store(self.store_url)
        receiver = LocalReceiver(
            self.log,
            self.store,
            Backlog(),
            current_context=lambda: self.context,
            load_keys=keys,
            geo=self.places,
            load_rules=self.rules,
            clock=lambda: self.now,
        )
        self.history = HistoryRunner(
            self.store, self.store_url, lambda: open_engine(self.engine_url), lambda: self.wall_clock()
        )
        self.erasures = ErasureWorker(self.store, self.log, lambda: self.wall_clock())
        maintenance = MaintenanceConfig(
            history=self.history,
            erasures=self.erasures,
            retention=lambda: self.retention,
            wall_clock=lambda: self.wall_clock(),
            log_hours=self.log_hours,
        )
        self.worker = Worker(self.store, receiver, maintenance, clock=lambda: self.now)
        self.worker.backoff = Backoff(fatal=(Exception,))  # a test wants to see what goes wrong
        self.worker.start()
        self.reader = ViewCache(self.store)

    def send(self, *hits: RawHit) -> None:
        self.log.append([(hit.address.encode(), encode(hit)) for hit in hits])

    def set_properties(self, properties: Sequence[ReceiveSettings]) -> None:
        self.context = Context(tuple(properties))

    def receive(self) -> int:
        return self.worker.receiver.receive(at_once=True)

    def view(self, property: int = SHOP.id) -> ReadView:
        return self.reader.view(property)


def plain_rules(properties: Sequence[ReceiveSettings]) -> Mapping[str, bytes]:
    """The published rules of properties that have settings only."""
    return {
        ruleset_name(settings.id, settings.rules): encode_ruleset(
            msgspec.structs.replace(plain_ruleset(settings), number=settings.rules)
        )
        for settings in properties
        if settings.rules
    }


def keys(days: Sequence[date], context: Context) -> VisitorKeyFactory:
    return VisitorKeyFactory(
        b"secret",
        {day: day.isoformat().encode() for day in days},
        {settings.id: b"%d" % settings.id for settings in context.properties},
    )


def ga4(
    number: int, *, client: str = "1.1", at: int = NOON, created: int | None = None, hit: str | None = None,
    property: ReceiveSettings = SHOP, session: str | None = "1", event: str = "page_view", agent: str = AGENT,
    page: str = "https://shop.example/", **more: str,
) -> RawHit:  # fmt: skip
    """A tracker's hit, received at `at` (ms)."""
    parameters = {"v": "2", "tid": property.measurement_id, "cid": client, "en": event, "dl": page, **more}
    parameters |= {"sid": session} if session else {}
    parameters |= {"_hid": hit} if hit else {}
    parameters |= {"_hts": str(created)} if created is not None else {}
    return RawHit(FORMAT, f"h{number}", at * 1000, "ga4", "192.0.2.7", agent, {}, urlencode(parameters).encode(), b"")


def access_log(
    number: int | str, line: str, *, at: int = NOON, occurred: int | None = NOON, property: ReceiveSettings = SHOP
) -> RawHit:
    """A line of an access log, as the import sends it."""
    return RawHit(FORMAT, str(number), at * 1000, "access_log", "", "", {}, b"", line.encode(), property.id, occurred)
