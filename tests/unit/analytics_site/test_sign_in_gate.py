"""The gate before the sign-in pages: refuses without Django, lets a few in at a time, and changes nothing else."""

import asyncio
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest

from analytics_site.sign_in_gate import LARGEST_BODY, MOST_DELAYED_OF_ADDRESS, MOST_OF_ADDRESS, SignInGate
from collection.collector.asgi import Message, Receive, Scope, Send
from collection.collector.http import TrustedProxies

HERE = "192.0.2.7"
FORM = {"csrfmiddlewaretoken": "x", "username": "ada", "password": "wrong", "next": "/"}


class Pages:
    """Answers 200 with what it was sent, once `may_answer` is set; counts how many requests are inside."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.inside = self.most = 0
        self.may_answer = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await self.may_answer.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Limits:
    """Says how long to wait, and notes who asked."""

    def __init__(self, wait_s: int = 0) -> None:
        self.wait_s, self.asked = wait_s, list[tuple[str, str]]()

    def __call__(self, name: str, address: str) -> int:
        self.asked.append((name, address))
        return self.wait_s


def gate(
    pages: Pages, limits: Limits, at_once: int = 2, longest_turn_s: float = 60, refused_after_s: float = 0
) -> SignInGate:
    proxies = TrustedProxies([ip_network("10.0.0.0/8")])
    return SignInGate(pages, proxies, limits, at_once, refused_after_s, longest_turn_s)


async def ask(
    gate: SignInGate,
    path: str = "/sign-in/",
    method: str = "POST",
    body: bytes | None = None,
    read: asyncio.Event | None = None,
    **scope: Any,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Returns status, headers and body of the answer, which the client begins to read when `read` is set."""
    sent: list[Message] = []
    text = urlencode(FORM).encode() if body is None else body
    pieces = [text[at : at + 5000] for at in range(0, len(text), 5000)] or [b""]
    messages = [{"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        if read:
            await read.wait()
        sent.append(message)

    whole = {"type": "http", "method": method, "path": path, "headers": [], "client": (HERE, 1), **scope}
    await gate(whole, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_it_works(path: str) -> None:
    async def story() -> None:
        pages, limits = Pages(), Limits()
        pages.may_answer.set()
        status, _, body = await ask(gate(pages, limits), path)
        assert (status, body, limits.asked) == (200, urlencode(FORM).encode(), [("ada", HERE)])

    asyncio.run(story())


def test_a_refused_attempt_never_reaches_django() -> None:
    async def story() -> None:
        pages = Pages()
        status, headers, body = await ask(gate(pages, Limits(wait_s=42)))
        assert (status, headers[b"retry-after"], headers[b"cache-control"]) == (429, b"42", b"private, no-store")
        assert b"possible in 42 seconds" in body
        assert int(headers[b"content-length"]) == len(body)
        assert not pages.bodies

    asyncio.run(story())


@pytest.mark.parametrize(("method", "path"), [("GET", "/sign-in/"), ("POST", "/"), ("POST", "/admin/password_change/")])
def test_everything_else_passes(method: str, path: str) -> None:
    async def story() -> None:
        pages, limits = Pages(), Limits(wait_s=42)
        pages.may_answer.set()
        assert (await ask(gate(pages, limits), path, method))[0] == 200
        assert limits.asked == []

    asyncio.run(story())


def test_so_many_at_a_time_and_the_rest_wait() -> None:
    async def story() -> None:
        pages = Pages()
        here = gate(pages, Limits(), at_once=2)
        asked = [asyncio.create_task(ask(here, client=(f"192.0.2.{last}", 1))) for last in range(9)]
        await pages.entered.wait()
        pages.may_answer.set()
        assert [answer[0] for answer in await asyncio.gather(*asked)] == [200] * 9
        assert pages.most <= 2

    asyncio.run(story())


def test_a_turn_that_does_not_come() -> None:
    async def story() -> None:
        pages = Pages()
        here = gate(pages, Limits(), at_once=1, longest_turn_s=0.01)
        first = asyncio.create_task(ask(here))
        await pages.entered.wait()
        status, headers, body = await ask(here)
        assert (status, headers[b"retry-after"]) == (503, b"2")
        assert b"Try again in a few seconds" in body
        pages.may_answer.set()
        assert (await first)[0] == 200
        assert (await ask(here))[0] == 200

    asyncio.run(story())


def test_an_address_has_so_many_under_way() -> None:
    """An attempt without a CSRF cookie is never counted as one, so the limits alone leave an address the queue."""

    async def story() -> None:
        pages, limits = Pages(), Limits()
        here = gate(pages, limits, at_once=1)
        network = [(f"2001:db8::{last}", 1) for last in range(MOST_OF_ADDRESS)]
        asked = [asyncio.create_task(ask(here, client=client)) for client in network]
        await pages.entered.wait()
        status, headers, body = await ask(here, client=("2001:db8::ffff", 1))
        assert (status, headers[b"retry-after"], headers[b"connection"]) == (429, b"2", b"close")
        assert b"at your address" in body
        elsewhere = asyncio.create_task(ask(here, client=("2001:db8:0:1::1", 1)))
        pages.may_answer.set()
        assert [answer[0] for answer in await asyncio.gather(*asked, elsewhere)] == [200] * (MOST_OF_ADDRESS + 1)
        assert (await ask(here, client=network[0]))[0] == 200
        assert not here._under_way

    asyncio.run(story())


def test_refusals_of_an_address_that_are_delayed() -> None:
    """A delayed one holds a connection that nobody may close."""

    async def story() -> None:
        here = gate(Pages(), Limits(wait_s=42), refused_after_s=3600)
        delayed = [asyncio.create_task(ask(here)) for _ in range(MOST_DELAYED_OF_ADDRESS)]
        await asyncio.sleep(0)
        assert [(await asyncio.wait_for(ask(here), 20))[0] for _ in range(3)] == [429] * 3
        assert not any(task.done() for task in delayed)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("forwarded", "peer", "found"),
    [
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("203.0.113.9", HERE, HERE),  # who is no trusted proxy may not say where it is
        ("1.1.1.1, 203.0.113.9", "10.0.0.1", "203.0.113.9"),
    ],
)
def test_the_address_is_found_as_the_collector_finds_it(forwarded: str, peer: str, found: str) -> None:
    async def story() -> None:
        limits = Limits(wait_s=1)
        await ask(gate(Pages(), limits), headers=[(b"x-forwarded-for", forwarded.encode())], client=(peer, 1))
        assert limits.asked == [("ada", found)]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", ""),
        (b"\xff\x00&=;", ""),
        (b"username=a&username=b", "b"),
        (b"username=%C3%A9%FF", "é\N{REPLACEMENT CHARACTER}"),
        (b"&".join([b"x=1"] * 100), ""),
    ],
)
def test_hostile_bodies_are_passed_on_whole(body: bytes, name: str) -> None:
    async def story() -> None:
        pages, limits = Pages(), Limits()
        pages.may_answer.set()
        assert (await ask(gate(pages, limits), body=body))[2] == body
        assert limits.asked == [(name, HERE)]

    asyncio.run(story())


def test_a_body_that_goes_on_takes_no_turn() -> None:
    """Its rest may never come, and would be waited for inside."""

    async def story() -> None:
        pages, limits = Pages(), Limits()
        pages.may_answer.set()
        status, headers, _ = await ask(gate(pages, limits), body=b"x=" + b"y" * 3 * LARGEST_BODY)
        assert (status, headers[b"connection"]) == (413, b"close")
        assert (pages.bodies, limits.asked) == ([], [])

    asyncio.run(story())


def test_who_does_not_read_the_answer_keeps_no_turn() -> None:
    async def story() -> None:
        pages, read = Pages(), asyncio.Event()
        pages.may_answer.set()
        here = gate(pages, Limits(), at_once=1, longest_turn_s=5)
        slow = asyncio.create_task(ask(here, read=read))
        await pages.entered.wait()
        assert (await ask(here))[0] == 200
        assert not slow.done()
        read.set()
        assert (await slow)[0] == 200
        assert here._turns._value == 1  # given back once

    asyncio.run(story())


def test_a_client_that_goes_away_is_passed_on() -> None:
    async def story() -> None:
        seen = list[str]()

        async def pages(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append((await receive())["type"])

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            raise AssertionError

        here = SignInGate(pages, TrustedProxies([]), Limits(), at_once=1)
        await here({"type": "http", "method": "POST", "path": "/sign-in/", "headers": []}, receive, send)
        assert seen == ["http.disconnect"]

    asyncio.run(story())
