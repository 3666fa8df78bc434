"""Takes the screenshots of the manual: `python -m tests.screens [FOLDER]`, by default `docs/screens`.

Starts the product in an empty data folder, as `make run` does, waits until the demo property is filled and reported,
signs in with the password that the first start prints, and photographs the dashboard: light, dark, and on a phone.
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


class Screen(NamedTuple):
    """`height` in CSS pixels cuts the page off; the phone's picture has two device pixels for each."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    scale: float = 1


SCREENS: Final = (
    Screen("dashboard-light", 1280, 900, "light"),
    Screen("dashboard-dark", 1280, 900, "dark"),
    Screen("dashboard-phone", 390, 844, "light", 2),
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_demo() as (address, user, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for screen in SCREENS:
            take(browser, screen, address, user, password, folder / f"{screen.name}.png")
            sys.stdout.write(f"{folder / screen.name}.png\n")
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


def take(browser: Browser, screen: Screen, address: str, user: str, password: str, path: Path) -> None:
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme=screen.scheme,
        device_scale_factor=screen.scale,
    )
    page = context.new_page()
    page.goto(f"{address}/")
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    wait_until_reported(page, address)
    page.reload()
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_timeout(1_000)  # the chart's transition
    page.screenshot(path=path)
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
