"""Secrets in files that only their owner can read, made on first use."""

import os
import secrets
from pathlib import Path


def keep_secret(path: Path, *, make: bool = True) -> str:
    """Returns the secret in this file, at least 256 bits; the first caller makes it. "" if it is not to be made.

    Several processes may call at once.
    """
    if not path.exists():
        if not make:
            return ""
        _make(path)
    return path.read_text("ascii")


def _make(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_urlsafe(48))
        opened.flush()
        os.fsync(opened.fileno())
    _publish(draft, path)


def _publish(draft: Path, path: Path) -> None:
    """Names the file. A hard link fails if the name is taken: the slower process then uses the other's secret."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
