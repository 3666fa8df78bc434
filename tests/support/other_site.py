"""Runs Hitstream on a data folder that has a database of its own: commands of `manage.py`, and requests to the pages.

The test uses `Site`. It starts this module as a program, which answers any number of commands and requests: starting a
process for each of them would take a second every time. Only the settings module of the product is named here, so that
the tests do not depend on how the product is laid out.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:  # the test's side has other settings
    from django.test import Client

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = {
    "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
    "ENGINE_URL": "processes://0",
    "HITSTREAM_DEMO": "0",
    "HITSTREAM_LOG_LEVEL": "WARNING",
}


class Failed(Exception):
    """A command failed, or the status of an answer was not 2xx."""


class Site:
    """An installation in `folder`. Use it as a context manager. `tokens` has the access token of each scope."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = {}) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HITSTREAM_")}
        kept = {name: value for name, value in kept.items() if not name.endswith("_URL")}
        self._environment = {**kept, **SETTINGS, "HITSTREAM_DATA": str(folder), **environment}
        self.tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._process = self._start("-m", "tests.support.other_site", pipe=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def manage(self, *words: object) -> str:
        """Runs a command and returns its output. Raises Failed."""
        return self._ask("manage", *map(str, words))

    def sign_in(self, user: str, *scopes: str) -> None:
        for scope in scopes:
            self.tokens[scope] = self.manage("issue_token", user, "--name", scope, "--scope", scope).strip()

    def request(self, method: str, path: str, body: object = None, *, scope: str = "read") -> str:
        """Sends a request, with `body` as JSON, and returns the body of the answer. Raises Failed."""
        return self._ask("request", method, path, body, self.tokens[scope])

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Runs a worker beside the block."""
        process = self._start("manage.py", "work")
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _start(self, *words: str, pipe: int | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, *words]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, text=True, stdin=pipe, stdout=pipe)

    def _ask(self, *message: object) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"the process ended at {message[:4]}")
        done, text = json.loads(line)
        if not done:
            raise Failed(text)
        return str(text)


def main() -> None:
    import django

    django.setup()
    from django.test import Client  # needs the settings

    client = Client(headers={"host": "127.0.0.1"})  # one for all requests: each new one would look for all static files
    for line in sys.stdin:
        kind, *rest = json.loads(line)
        done, text = _managed(*rest) if kind == "manage" else _requested(client, *rest)
        sys.stdout.write(json.dumps([done, text]) + "\n")
        sys.stdout.flush()


def _managed(*words: str) -> tuple[bool, str]:
    from django.core.management import CommandError, call_command

    written = io.StringIO()
    try:
        call_command(*words, stdout=written, stderr=io.StringIO())
    except CommandError as error:
        return False, f"{written.getvalue()}{error}"
    return True, written.getvalue()


def _requested(client: "Client", method: str, path: str, body: object, token: str) -> tuple[bool, str]:
    content, headers = "" if body is None else json.dumps(body), {"authorization": f"Bearer {token}"}
    reply: Any = client.generic(method, path, content, "application/json", headers=headers)
    text = b"".join(reply.streaming_content) if reply.streaming else reply.content
    return reply.status_code < 300, text.decode()


if __name__ == "__main__":
    main()
