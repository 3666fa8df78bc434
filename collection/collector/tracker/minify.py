"""Prints the tracker's script without comments, spaces and long names: `python -m collection.collector.tracker.minify`.

It runs as a process of its own: the minifier is a program in Go, whose runtime a collector need not have.
"""

import sys

import minify

from collection.collector.tracker import SOURCE

OPTIONS = {"js-version": 2017}


def main() -> None:
    minify.config(OPTIONS)
    sys.stdout.write(minify.string("text/javascript", SOURCE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
