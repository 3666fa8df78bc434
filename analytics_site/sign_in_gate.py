"""Stands before Django where people sign in, so that a flood of attempts costs other requests nothing.

An attempt that the limits refuse is answered by the event loop, after a moment; Django, whose pages take milliseconds
of the lock that all threads of a process share, never sees it. Of the others, as many are in Django at a time as hashes
may be computed, and the rest wait their turn without a thread. Django's own check of the limits stays the one that
counts (configuration/access/backend.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import parse_qs

from collection.collector.asgi import Application, Message, Receive, Scope, Send, send_answer
from collection.collector.http import HttpAnswer, TrustedProxies
from collection.connections.guard import network_of

PATHS: Final = ("/sign-in/", "/admin/login/")
LARGEST_BODY: Final = 16 * 1024
MOST_FIELDS: Final = 20
REFUSED_AFTER_S: Final = 1.0  # who waits for an answer before the next attempt makes one a second
LONGEST_TURN_S: Final = 10.0
MOST_WAITING: Final = 200
MOST_OF_ADDRESS: Final = 8  # attempts under way; without it an address would fill the queue
MOST_DELAYED_OF_ADDRESS: Final = 32  # more would fill the server, whose guard closes no connection that it answers
BUSY_RETRY_S: Final = 2
PAGE: Final = (
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Wait a moment · Hitstream</title><h1>{title}</h1>"
    "<p>{text}</p><p><a href=/sign-in/>Back to the sign-in page</a></p></html>"
)
TOO_MANY: Final = (
    "There were too many attempts with a wrong password, so this one was not checked. The next one is possible in"
    " {wait_s} seconds. Whoever is signed in stays so. If you cannot wait: manage.py forget_sign_in_attempts makes all"
    " attempts free again."
)
AT_ONCE: Final = (
    "Too many people at your address are signing in at the moment, so your password was not checked. Try again in a few"
    " seconds."
)
BUSY: Final = "Others are signing in at the moment, so your password was not checked. Try again in a few seconds."

Wait = Callable[[str, str], int]  # name and address -> seconds until an attempt is possible


class SignInGate:
    """An ASGI application around the one that has the sign-in pages. `at_once`: how many attempts it gets at a time."""

    def __init__(
        self,
        pages: Application,
        proxies: TrustedProxies,
        wait: Wait,
        at_once: int,
        refused_after_s: float = REFUSED_AFTER_S,
        longest_turn_s: float = LONGEST_TURN_S,
    ) -> None:
        self._pages, self._proxies, self._wait = pages, proxies, wait
        self._refused_after_s, self._longest_turn_s = refused_after_s, longest_turn_s
        self._turns = asyncio.Semaphore(at_once)
        self._thread = ThreadPoolExecutor(1, "sign-in limits")
        self._waiting = 0
        self._under_way = Counter[str]()  # by client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in PATHS:
            await self._pages(scope, receive, send)
            return
        messages = await read(receive)
        if messages[-1].get("more_body", False):  # it would keep a turn for as long as it is being sent
            await send_answer(HttpAnswer(413, [("connection", "close")], b"body too large\n"), send)
            return
        with ExitStack() as held:

            async def send_holding_nothing(message: Message) -> None:
                held.close()  # the password was checked; the client may take its time to read
                await send(message)

            await self._attempt(scope, messages, receive, send_holding_nothing, held)

    async def _attempt(
        self, scope: Scope, messages: list[Message], receive: Receive, send: Send, held: ExitStack
    ) -> None:
        """Puts into `held` what is given back when the answer begins."""
        name, address = name_in(messages), self._address(scope)
        client = network_of(address)
        self._under_way[client] += 1
        held.callback(self._ended, client)
        if self._under_way[client] > MOST_OF_ADDRESS:
            delay_s = self._refused_after_s if self._under_way[client] <= MOST_DELAYED_OF_ADDRESS else 0
            await self._refuse(429, BUSY_RETRY_S, "Too many attempts at once", AT_ONCE, send, delay_s)
            return
        wait = await asyncio.get_running_loop().run_in_executor(self._thread, self._wait, name, address)
        if wait:
            await self._refuse(429, wait, "Too many attempts", TOO_MANY.format(wait_s=wait), send)
        elif await self._take_turn():
            held.callback(self._turns.release)
            await self._pages(scope, replay(messages, receive), send)
        else:
            await self._refuse(503, BUSY_RETRY_S, "Too many passwords at once", BUSY, send)

    def _ended(self, client: str) -> None:
        self._under_way[client] -= 1
        if not self._under_way[client]:
            del self._under_way[client]

    async def _take_turn(self) -> bool:
        """Returns False if too many others wait already, or if it takes too long."""
        if self._waiting >= MOST_WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turns.acquire(), self._longest_turn_s)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    def _address(self, scope: Scope) -> str:
        """Finds the client's address as the collector does, and as Django is told it."""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        peer = (scope.get("client") or ("", 0))[0]
        return self._proxies.client_address(peer, ",".join(forwarded) or None)

    async def _refuse(
        self, status: int, retry_s: int, title: str, text: str, send: Send, delay_s: float | None = None
    ) -> None:
        await asyncio.sleep(self._refused_after_s if delay_s is None else delay_s)
        body = PAGE.format(title=title, text=text).encode()
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", b"default-src 'none'"),
            (b"cache-control", b"private, no-store"),
            (b"retry-after", str(retry_s).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def read(receive: Receive) -> list[Message]:
    """Returns the messages of a body, up to its end or to LARGEST_BODY."""
    messages, size = list[Message](), 0
    while size <= LARGEST_BODY:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
        if messages[-1]["type"] != "http.request" or not messages[-1].get("more_body", False):
            break
    return messages


def replay(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def receive_again() -> Any:
        return next(left, None) or await receive()

    return receive_again


def name_in(messages: list[Message]) -> str:
    """Returns the user name of a form, decoded as Django does it; "" without one, which has limits too."""
    body = b"".join(message.get("body", b"") for message in messages)[:LARGEST_BODY]
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    return fields.get("username", [""])[-1]
