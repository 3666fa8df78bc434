"""A whole installation in a folder: log, store, ledger, worker, reader.

The real parts, with a clock that the test sets.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from django.utils import timezone

from collection.hit import FORMAT, RawHit, encode
from collection.log import open_log
from collection.log.port import Entry
from configuration.ruleset.context import Context, PropertySettings
from configuration.ruleset.ruleset import encode_ruleset, plain_ruleset, ruleset_name
from processing.concurrency.backoff import Troubles
from processing.engine import open_engine
from processing.ingest.geoip import NoPlaces, Places
from processing.ingest.visitor_keys import Keys
from processing.privacy.erasure_requests import Erasures
from processing.receiving.backlog import Backlog
from processing.receiving.contexts import RulesFor
from processing.receiving.local_receiver import Receiver
from processing.reprocessing.runs import History
from processing.segments.view import Reader, View
from processing.store import open_store
from processing.workers.worker import Worker

SHOP = PropertySettings(id=101, measurement_id="G-SHOP000001", name="Shop", domains=("shop.example",))
BLOG = PropertySettings(id=102, measurement_id="G-BLOG000001", name="Blog", zone="Europe/Berlin")
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)


class Installation:
    """`receive`, `seal`, `tidy` are the worker's; `restart` makes new objects over the same files, as a new process
    would.
    """

    def __init__(
        self,
        folder: Path,
        properties: Sequence[PropertySettings] = (SHOP, BLOG),
        places: Places | None = None,
        rules: RulesFor | None = None,
        store_url: str = "",
        log_url: str = "",
        engine_url: str = "processes://0",
    ) -> None:
        """Log and store are in the folder too, or at other addresses."""
        self.engine_url = engine_url
        self.rules = rules or plain_rules
        self.log_url = log_url or f"sqlite://{folder}/log"
        self.folder, self.context, self.now = folder, Context(tuple(properties)), 0.0
        self.store_url = store_url or f"sqlite://{folder}/store"
        self.places: Places = places or NoPlaces()
        self.restart()

    def restart(self) -> None:
        self.log, self.store = open_log(self.log_url), open_store(self.store_url)
        receiver = Receiver(
            self.log,
            self.store,
            Backlog(),
            context=lambda: self.context,
            keys=keys,
            places=self.places,
            rules=self.rules,
            clock=lambda: self.now,
        )
        self.history = History(self.store, self.store_url, lambda: open_engine(self.engine_url), timezone.now)
        self.erasures = Erasures(self.store, self.log)
        self.worker = Worker(
            self.store, receiver, retention=dict, history=self.history, erasures=self.erasures, clock=lambda: self.now
        )
        self.worker.troubles = Troubles(fatal=(Exception,))  # a test wants to see what goes wrong
        self.worker.start()
        self.reader = Reader(self.store)

    def send(self, *hits: RawHit) -> None:
        self.log.append([(hit.address.encode(), encode(hit)) for hit in hits])

    def set_properties(self, properties: Sequence[PropertySettings]) -> None:
        self.context = Context(tuple(properties))

    def receive(self) -> int:
        return self.worker.receiver.receive(at_once=True)

    def view(self, property: int = SHOP.id) -> View:
        return self.reader.view(property)


def plain_rules(properties: Sequence[PropertySettings]) -> Mapping[str, bytes]:
    """The published rules of properties that have settings only."""
    return {
        ruleset_name(settings.id, settings.rules): encode_ruleset(
            msgspec.structs.replace(plain_ruleset(settings), number=settings.rules)
        )
        for settings in properties
        if settings.rules
    }


def keys(entries: Sequence[Entry], context: Context) -> Keys:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    return Keys(
        b"secret", {day: day.isoformat().encode() for day in days}, {s.id: b"%d" % s.id for s in context.properties}
    )


def ga4(
    number: int, *, client: str = "1.1", at: int = NOON, created: int | None = None, hit: str | None = None,
    property: PropertySettings = SHOP, session: str | None = "1", event: str = "page_view", agent: str = AGENT,
    page: str = "https://shop.example/", **more: str,
) -> RawHit:  # fmt: skip
    """A tracker's hit, received at `at` (ms)."""
    parameters = {"v": "2", "tid": property.measurement_id, "cid": client, "en": event, "dl": page, **more}
    parameters |= {"sid": session} if session else {}
    parameters |= {"_hid": hit} if hit else {}
    parameters |= {"_hts": str(created)} if created is not None else {}
    return RawHit(FORMAT, f"h{number}", at * 1000, "ga4", "192.0.2.7", agent, {}, urlencode(parameters).encode(), b"")


def access_log(
    number: int | str, line: str, *, at: int = NOON, occurred: int | None = NOON, property: PropertySettings = SHOP
) -> RawHit:
    """A line of an access log, as the import sends it."""
    return RawHit(FORMAT, str(number), at * 1000, "access_log", "", "", {}, b"", line.encode(), property.id, occurred)
