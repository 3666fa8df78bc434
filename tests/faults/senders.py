"""Clients that send each hit again, with the same id, until it is answered 2xx, and record what they sent."""

import http.client
import threading
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlencode

ACCEPT_TIMEOUT_S = 30.0
PAUSE_S = 0.02
TIMEOUT_S = 10.0


class Senders:
    """A context manager: senders work while it is open, and give up `ACCEPT_TIMEOUT_S` after its end.

    `accepted` are the ids that were answered 2xx, `sent` counts how often each was sent, `statuses` all other answers.
    """

    def __init__(self, port: int, measurement_id: str, number: int = 4) -> None:
        self._port, self._measurement_id = port, measurement_id
        self.accepted: set[str] = set()
        self.sent: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.retry_after: set[str | None] = set()
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(number)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up_at = time.monotonic() + ACCEPT_TIMEOUT_S
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, hits: int, timeout_s: float = ACCEPT_TIMEOUT_S) -> None:
        """Waits until that many more hits are accepted."""
        goal, give_up_at = len(self.accepted) + hits, time.monotonic() + timeout_s
        while len(self.accepted) < goal:
            assert time.monotonic() < give_up_at, f"{len(self.accepted)} of {goal} hits accepted: {self.statuses}"
            time.sleep(PAUSE_S)

    def _work(self, sender: int) -> None:
        number = 0
        while not self._end.is_set():
            self._send_until_accepted(f"{sender}-{number}", f"{sender}.{number // 20}")
            number += 1

    def _send_until_accepted(self, id: str, client: str) -> None:
        query = urlencode(
            {
                "v": 2, "tid": self._measurement_id, "cid": client, "sid": 1, "en": "page_view", "_hid": id,
                "_hts": time.time_ns() // 1_000_000, "dl": f"https://shop.example/{id}",
            }
        )  # fmt: skip
        while not (self._end.is_set() and time.monotonic() > self._give_up_at):
            with self._lock:
                self.sent[id] += 1
            with suppress(OSError, http.client.HTTPException):
                if self._send(query):
                    self.accepted.add(id)
                    return
            time.sleep(PAUSE_S)

    def _send(self, query: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", f"/g/collect?{query}", headers={"User-Agent": AGENT})
            answer = connection.getresponse()
        finally:
            connection.close()
        if answer.status // 100 != 2:
            with self._lock:
                self.statuses[answer.status] += 1
                self.retry_after.add(answer.getheader("Retry-After"))
        return answer.status // 100 == 2


AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
