"""Dimensions of the device and its software."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import polars as pl

from processing.pipeline.custom_values import read_each
from processing.pipeline.lookups.lists import rows
from reporting.registry.dimensions.model import NOT_SET, Dimension, filled, of_column, plain

_WEB: Final = "web"  # what all protocols measure; that of an app would have another platform


@cache
def _languages() -> Mapping[str, str]:
    return dict(rows("languages"))


def _language(_zone: str) -> pl.Expr:
    return read_each("language", _named).fill_null(NOT_SET)


def _named(codes: pl.Series) -> pl.Series:
    first = codes.str.splitn("-", 2).struct[0]
    return first.replace(_languages())


def _system_with_version(_zone: str) -> pl.Expr:
    version = pl.when(pl.col("system").is_not_null()).then(pl.lit(" ") + plain(pl.col("system_version")))
    return pl.concat_str(plain(filled("system")), version.fill_null(""))


DEVICE: Final = (
    of_column(
        "deviceCategory",
        "Device category",
        "Technology",
        "The kind of device: desktop, mobile, tablet or smart tv.",
        "device",
        example="mobile",
    ),
    of_column("browser", "Browser", "Technology", "The browser that sent the event.", "browser", example="Chrome"),
    of_column(
        "operatingSystem",
        "Operating system",
        "Technology",
        "The operating system of the device.",
        "system",
        example="Android",
    ),
    of_column(
        "browserVersion",
        "Browser version",
        "Technology",
        "The browser's version as its client hints say it, or its user agent, which may leave out all but the first"
        " number: 131.0.0.0.",
        "browser_version",
        example="131.0.0.0",
    ),
    of_column(
        "operatingSystemVersion",
        "OS version",
        "Technology",
        "The operating system's version, without zeros at its end, as client hints say it, or the user agent, in which"
        " Windows 11 is 10, macOS stays at 10.15.7, and Chrome on Android at 10.",
        "system_version",
        example="15",
    ),
    Dimension(
        name="operatingSystemWithVersion",
        label="Operating system with version",
        category="Technology",
        scope="event",
        definition="operatingSystem and operatingSystemVersion, such as Windows 11; without a version where it is"
        " unknown.",
        columns=("system", "system_version"),
        key=_system_with_version,
        text=plain,
        example="Android 15",
    ),
    Dimension(
        name="platform",
        label="Platform",
        category="Technology",
        scope="event",
        definition="What was measured: web, always, because apps are not measured.",
        columns=("device",),
        key=lambda _zone: pl.repeat(_WEB, pl.len()),
        text=plain,
        example="web",
    ),
    Dimension(
        name="platformDeviceCategory",
        label="Platform / device category",
        category="Technology",
        scope="event",
        definition="platform and deviceCategory, separated by a slash: web / mobile.",
        columns=("device",),
        key=lambda _zone: pl.lit(f"{_WEB} / ") + plain(filled("device")),
        text=plain,
        example="web / mobile",
    ),
    of_column(
        "mobileDeviceBranding",
        "Device brand",
        "Technology",
        "Who made the device, as ua-parser knows it by the model that client hints or the user agent name.",
        "brand",
        example="Google",
    ),
    of_column(
        "mobileDeviceModel",
        "Device model",
        "Technology",
        "The model of the device, by client hints, or by the user agent, in which Chrome on Android leaves it out.",
        "model",
        example="Pixel 9",
    ),
    of_column(
        "deviceModel", "Device model", "Technology", "The same as mobileDeviceModel.", "model", example="Pixel 9"
    ),
    of_column(
        "screenResolution",
        "Screen resolution",
        "Technology",
        "Width and height of the screen in CSS pixels, such as 1920x1080.",
        "screen",
        example="412x915",
    ),
    of_column(
        "viewport",
        "Viewport",
        "Technology",
        "Width and height of the part of the window that shows the page, in CSS pixels, such as 1280x720.",
        "viewport",
        example="412x785",
    ),
    Dimension(
        name="language",
        label="Language",
        category="Technology",
        scope="event",
        definition="The English name of the browser's language, without its country: English. Where the list of"
        " languages lacks it, its code.",
        columns=("language",),
        key=_language,
        text=plain,
        example="English",
    ),
    of_column(
        "languageCode",
        "Language code",
        "Technology",
        "The browser's language as it was sent, in lower case: en-us. What is no language code is not set.",
        "language",
        example="en-us",
    ),
)
