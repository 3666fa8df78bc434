"""nginx, from Debian's package `nginx-light`."""

from pathlib import Path

from tests.services.balancer import Balancer


class Nginx(Balancer):
    name = "nginx"
    file = "nginx.conf"

    def command(self, file: Path) -> list[str]:
        return ["nginx", "-p", str(self.folder), "-c", str(file)]
