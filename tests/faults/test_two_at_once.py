"""Two collectors on one log lose and double nothing; a second worker is refused."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.eager_site import EagerSite, check_ids, check_status, wait_until_counted
from tests.faults.senders import Senders
from tests.support.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_it_works(tmp_path: Path) -> None:
    """Both collectors get the same ids, from senders that know nothing of each other."""
    with EagerSite(free_port(), tmp_path / "data", tmp_path) as site:
        number, measurement_id = site.properties[0]
        second = free_port()
        site.start("web 2", "-m", "collection.server", "analytics_site.asgi:application", "--port", str(second))
        with Senders(second, measurement_id) as others, Senders(site.port, measurement_id) as senders:
            others.wait_for(200)
            senders.wait_for(200)
        status = wait_until_counted(site, number)
    senders.sent += others.sent
    senders.accepted |= others.accepted
    assert int(str(status["rejected"])) > 200 / 2
    check_status(status, senders)
    check_ids(f"sqlite://{site.folder}/store", number, senders)


def test_a_second_worker_is_refused(tmp_path: Path) -> None:
    with EagerSite(free_port(), tmp_path / "data", tmp_path) as site:
        number, measurement_id = site.properties[0]
        with pytest.raises(subprocess.CalledProcessError):
            site.manage("work", "--once")
        with Senders(site.port, measurement_id) as senders:
            senders.wait_for(20)
        status = wait_until_counted(site, number)
    check_status(status, senders)
