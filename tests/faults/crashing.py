"""Run as a process of its own: installations that die at random writes, begin again, and must count right in the end.

Arguments: folder, "kill" or "power", the first seed, and the seed after the last. Prints one JSON object a seed:
where each life ended, and what is wrong with the numbers afterwards (nothing, if all is well).

A life is a forked process, so that it costs no start. In "power" a death also loses all that was not synced.
"""

import json
import os
import random
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

LIVES: Final = 3
ACTIONS: Final = 24
WRITES: Final = {
    "start": 4,
    "send": 100,
    "receive": 80,
    "seal": 60,
    "tidy": 40,
    "history": 60,
}  # fewer than most lives have


def main(folder: Path, mode: str, first: int, end: int) -> None:
    _prepare(folder / "template")
    for seed in range(first, end):
        home = folder / f"{mode} {seed}"
        shutil.copytree(folder / "template", home / "data")
        ends = [_fork(home, partial(_live, home, mode, seed, life)) for life in range(LIVES)]
        wrong = _fork(home, partial(_judge, home, seed))
        sys.stdout.write(json.dumps({"seed": seed, "ends": ends, "wrong": wrong}) + "\n")
        sys.stdout.flush()
        if not wrong:
            shutil.rmtree(home)


def _prepare(data: Path) -> None:
    """A migrated database, and everything imported that a life needs."""
    data.mkdir(parents=True)
    os.environ |= {"HITSTREAM_DATA": str(data), "DJANGO_SETTINGS_MODULE": "analytics_site.settings"}
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0)
    connections.close_all()
    from processing.pipeline.lookups.user_agents import is_robot
    from tests.faults import life

    is_robot(life.AGENT)  # read once, for all lives; but no data frame here: their threads outlive no fork


def _fork(home: Path, live: Callable[[], str]) -> str:
    """Returns the last output of the life. It is in a file, since the process may die at any moment."""
    last_words = home / "last words"
    last_words.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        try:
            last_words.write_text(live())
        except BaseException:  # noqa: BLE001 - a forked process must not return into its parent's code
            last_words.write_text(traceback.format_exc())
        os._exit(0)
    os.waitpid(child, 0)
    if (home / "cut").exists():
        shutil.rmtree(home / "data")
        (home / "cut").rename(home / "data")
    return last_words.read_text()


def _live(home: Path, mode: str, seed: int, life: int) -> str:
    from tests.faults.life import Life

    rnd = random.Random(f"{seed} {life}")
    action = rnd.choice(list(WRITES))
    return Life(home, rnd).run(mode, action, rnd.randrange(WRITES[action]), ACTIONS)


def _judge(home: Path, seed: int) -> str:
    from tests.faults.life import judge

    return judge(home, random.Random(seed))


def read(line: str) -> tuple[Counter[str], str]:
    """A line that was printed: how often lives ended during which action, and what is wrong."""
    said: dict[str, Any] = json.loads(line)
    return Counter(end.partition(":")[0] for end in said["ends"]), said["wrong"] and f"seed {said['seed']}: {line}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
