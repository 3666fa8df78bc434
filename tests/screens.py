"""Takes the screenshots of the manual: `python -m tests.screens [FOLDER]`, by default `docs/screens`.

Starts the product in an empty data folder, as `make run` does, waits until the demo property is filled and reported,
signs in with the password that the first start prints, and photographs each page: light, dark, wide, and on a phone.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
CHROMIUM: Final = "/usr/bin/chromium"
START_S: Final = 180.0
FIRST_START: Final = re.compile(r"sign in as (\S+) with the password (\S+)")


class Look(NamedTuple):
    """`height` cuts the page off."""

    width: int
    height: int
    scheme: Literal["light", "dark"]


LOOKS: Final = {
    "light": Look(1280, 900, "light"),
    "dark": Look(1280, 900, "dark"),
    "wide": Look(1920, 1080, "light"),
    "phone": Look(390, 844, "light"),
}
# What stands behind the address of the demo property; an address from the root begins with a slash.
PAGES: Final = {
    "overview": "",
    "page": "?f=pagePath:is:/cart",
    "details": "details/pages/top/",
    "realtime": "realtime/",
    "visits": "visits/",
    "not-counted": "not-counted/",
    "share": "shares/",
    "help": "/help/reports/",
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_demo() as (address, user, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, look in LOOKS.items():
            for path in take(browser, look, name, address, user, password, folder):
                sys.stdout.write(f"{path}\n")
        browser.close()


@contextmanager
def running_demo() -> Iterator[tuple[str, str, str]]:
    """Yields address, user and password of a product that shows its demo property, and stops it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="hitstream-screens-") as data:
        output = Path(data) / "run.out"
        environment = {**os.environ, "HITSTREAM_DATA": data, "HITSTREAM_PORT": str(port)}
        with output.open("wb") as file:
            command = [sys.executable, "manage.py", "run"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
        try:
            deadline = time.monotonic() + START_S
            while not (Path(data) / "demo_filled").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"The demo was not filled: {output.read_text()}")
                time.sleep(0.5)
            user, password = FIRST_START.findall(output.read_text())[0]
            yield f"http://127.0.0.1:{port}", user, password.rstrip(")")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def take(
    browser: Browser, look: Look, name: str, address: str, user: str, password: str, folder: Path
) -> Iterator[Path]:
    """Photographs all pages in one look; yields the files."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
    )
    context.set_default_timeout(START_S * 1000)
    page = context.new_page()
    page.goto(f"{address}/")
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    wait_until_reported(page, address)
    page.goto(f"{address}/")
    home = page.url
    for shown, where in PAGES.items():
        page.goto(f"{address}{where}" if where.startswith("/") else f"{home}{where}")
        if page.locator("#chart").count():
            page.wait_for_selector(".js-plotly-plot .main-svg")
        page.wait_for_timeout(1_000)  # the chart's transition
        path = folder / f"{shown}-{name}.png"
        page.screenshot(path=path)
        yield path
    context.close()


def wait_until_reported(page: Page, address: str) -> None:
    """Waits until no hit of a property is pending; raises TimeoutError after START_S seconds."""
    deadline = time.monotonic() + START_S
    for item in page.request.get(f"{address}/api/properties/").json():
        while page.request.get(f"{address}/api/properties/{item['id']}/status/").json()["pending"] != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Hits of {item['name']} are still pending.")
            page.wait_for_timeout(500)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screens")
