"""HAProxy, from Debian's package `haproxy`."""

from pathlib import Path

from tests.services.balancer import Balancer


class HAProxy(Balancer):
    name = "haproxy"
    file = "haproxy.cfg"

    def command(self, file: Path) -> list[str]:
        return ["haproxy", "-f", str(file)]
