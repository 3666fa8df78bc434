"""`python -m tests.code_figures [path ...]`: how the code is cut into functions and files, by package and in all.

A measure to look at, not a limit: no check fails because of it. Without paths it covers the five packages of the
product, without migrations. CONTRIBUTING.md says what the project aims at.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

PACKAGES: Final = ("analytics_site", "collection", "configuration", "processing", "reporting")
LONG_FUNCTION: Final = 40  # lines
LONG_FILE: Final = 300  # lines
DIRECTIVE: Final = re.compile(r"#\s*(noqa|fmt:|type:)")
HEADINGS: Final = (
    "", "files", "lines", "functions", "median", "per 1,000", "long", "long files", "comments", "helpers", "used once"
)  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


class SourceFile(NamedTuple):
    path: Path
    lines: int
    comments: int
    functions: list[Function]
    private_helpers: int
    used_once: list[str]  # private helpers whose name stands in the file twice: in the definition and in one use


def main(paths: Sequence[str]) -> None:
    files = [measure(path) for path in tracked_files(paths or PACKAGES)]
    if not files:
        raise SystemExit("There is no Python file of the repository at these paths.")
    print_row(HEADINGS)
    groups: dict[str, list[SourceFile]] = {}
    for file in files:
        groups.setdefault("/".join(file.path.parts[:-1][:2]), []).append(file)
    for name, members in groups.items():
        print_row(figures(name, members))
    print_row(figures("all", files))
    for file in files:
        for function in file.functions:
            if length(function) > LONG_FUNCTION:
                sys.stdout.write(f"{file.path}:{function.lineno} {function.name}: {length(function)} lines\n")
        if file.lines > LONG_FILE:
            sys.stdout.write(f"{file.path}: {file.lines} lines\n")


def tracked_files(paths: Iterable[str]) -> list[Path]:
    """The Python files at these paths that git knows, without migrations."""
    listed = subprocess.run(["git", "ls-files", "--", *paths], capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.splitlines() if name.endswith(".py") and "/migrations/" not in name]
    return [Path(name) for name in names]


def measure(path: Path) -> SourceFile:
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, Function)]
    private = [function.name for function in functions if function.name.startswith("_") and function.name[1:2] != "_"]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return SourceFile(
        path=path,
        lines=text.count("\n"),
        comments=sum(token.type == tokenize.COMMENT and not DIRECTIVE.match(token.string) for token in tokens),
        functions=functions,
        private_helpers=len(private),
        used_once=[name for name in private if len(re.findall(rf"\b{name}\b", text)) == 2],
    )


def length(function: Function) -> int:
    """Lines from `def` to the last statement."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def figures(name: str, files: Sequence[SourceFile]) -> list[str]:
    """One row of the table, in the order of HEADINGS."""
    lengths = [length(function) for file in files for function in file.functions]
    lines = sum(file.lines for file in files)
    thousands = max(lines, 1) / 1000
    return [
        name,
        f"{len(files):,}",
        f"{lines:,}",
        f"{len(lengths):,}",
        f"{median(lengths or [0]):g}",
        f"{len(lengths) / thousands:.0f}",
        f"{sum(lines > LONG_FUNCTION for lines in lengths)}",
        f"{sum(file.lines > LONG_FILE for file in files)}",
        f"{sum(file.comments for file in files) / thousands:.0f}",
        f"{sum(file.private_helpers for file in files):,}",
        f"{sum(len(file.used_once) for file in files):,}",
    ]


def print_row(cells: Sequence[str]) -> None:
    sys.stdout.write(f"{cells[0]:<32}" + "".join(f"{cell:>11}" for cell in cells[1:]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
