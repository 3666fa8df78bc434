"""Dimensions of the device and its software."""

from typing import Final

from reporting.registry.dimensions.model import of_column

DEVICE: Final = (
    of_column(
        "deviceCategory",
        "Device category",
        "Technology",
        "The kind of device: desktop, mobile, tablet or smart tv.",
        "device",
    ),
    of_column("browser", "Browser", "Technology", "The browser that sent the event.", "browser"),
    of_column("operatingSystem", "Operating system", "Technology", "The operating system of the device.", "system"),
)
