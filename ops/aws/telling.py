"""What a command says: progress with the time since its beginning to standard error, its result to standard output."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

RED, BOLD, PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"


@dataclass
class Telling:
    """`as_json` prints the result as one JSON document instead of lines."""

    as_json: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def elapsed_seconds(self) -> float:
        return self.clock() - self.began

    def progress(self, line: str) -> None:
        """One line, at once."""
        print(f"[{self.elapsed_seconds:6.1f} s] {line}", file=self.err, flush=True)

    def result(self, lines: list[str], values: Mapping[str, Any]) -> None:
        """What the command was asked for, in words or as values."""
        if self.as_json:
            print(json.dumps(values, indent=2, default=str), file=self.out, flush=True)
        else:
            print("\n".join(lines), file=self.out, flush=True)

    def red(self, text: str) -> str:
        """In red, where a person looks at a terminal and did not ask for none."""
        return f"{RED}{text}{PLAIN}" if coloured(os.environ, self.out.isatty()) else text


def coloured(environ: Mapping[str, str], is_terminal: bool) -> bool:
    """NO_COLOR with any value means none (no-color.org)."""
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
