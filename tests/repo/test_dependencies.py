"""Dependencies are pinned to their bytes, and their licences allow what ours allows."""

import re
import socket
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")
ALLOWED = re.compile(r"\b(MIT(-0)?|BSD|Apache|MPL|Mozilla|PSF|ISC|Unlicense|0BSD|CC0|Zlib)\b", re.IGNORECASE)
# Packages whose metadata names no licence; what their repository says.
NAMED_ELSEWHERE = {"crawler-user-agents": "MIT"}


def pins(name: str) -> dict[str, str]:
    """Name and version of each requirement, with everything that is said about it."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().replace("\\\n", " "))
    return {entry.split()[0]: entry for entry in entries if entry.strip() and not entry.startswith("#")}


def packages(name: str) -> dict[str, str]:
    return dict(re.sub(r"\[.*?\]", "", pin).split("==", 1) for pin in pins(name))


def licence(package: str) -> str:
    said = metadata.metadata(package)
    classifiers = [text for text in said.get_all("Classifier") or [] if text.startswith("License ::")]
    texts = [str(said.json.get(name, "")) for name in ("license_expression", "license")]
    return " ".join([*texts, *classifiers])


@pytest.mark.parametrize("name", LISTS)
def test_it_works(name: str) -> None:
    for pin, entry in pins(name).items():
        assert re.fullmatch(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[0-9][0-9a-z.+]*", pin, re.IGNORECASE), pin
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"{pin} has no hash"


@pytest.mark.parametrize("name", LISTS)
def test_no_host_and_no_path_is_in_a_list(name: str) -> None:
    assert not re.search(
        r"://|--(index|extra-index|find-links|trusted-host)|^-[er]|@ ", (ROOT / name).read_text(), re.MULTILINE
    )


def test_the_lists_agree() -> None:
    product, cluster, development = map(packages, LISTS)
    assert product.items() <= cluster.items() <= development.items()


@pytest.mark.parametrize("package", packages(LISTS[-1]))
def test_licences_are_free_ones(package: str) -> None:
    found = NAMED_ELSEWHERE.get(package) or licence(package)
    assert ALLOWED.search(found), f"{package}: {found!r}"
    assert not re.search(r"\b(A|L)?GPL", found), f"{package}: {found!r}"


def test_what_is_installed_is_what_is_listed() -> None:
    listed = packages(LISTS[-1])
    assert {package: metadata.version(package) for package in listed} == listed


def test_the_network_is_shut_but_for_loopback() -> None:
    """The test run itself: 192.0.2.1 is an address of nobody."""
    with socket.socket() as client, pytest.raises(Exception, match="192.0.2.1"):
        client.connect(("192.0.2.1", 80))
