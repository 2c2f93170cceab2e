"""What was measured last, kept as JSON, and the page made from it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from bench.rows import Row

_HEADING = """# Results

Written by `make bench`; what is in it is never edited by hand. Ratios only: ours against theirs, taken by turns in one
run on real parts, the median of the rounds' ratios with their quartiles. Below 1 ours is faster. Times are medians, and
say nothing about other machines. `make test` fails if a ratio has doubled.
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One benchmark's last result. `conditions` are words on where and when."""

    conditions: str
    rows: tuple[Row, ...]


def recorded_from(text: str) -> dict[str, Recorded]:
    """What `to_json` wrote."""
    return {
        name: Recorded(each["conditions"], tuple(Row(**row) for row in each["rows"]))
        for name, each in json.loads(text).items()
    }


def to_json(recorded: Mapping[str, Recorded]) -> str:
    """The results by their benchmarks' names."""
    return json.dumps({name: asdict(each) for name, each in recorded.items()}, indent=1, ensure_ascii=False) + "\n"


def page(recorded: Mapping[str, Recorded]) -> str:
    """The results as Markdown."""
    return "\n".join([_HEADING, *(_section(name, each) for name, each in recorded.items())])


def _section(name: str, recorded: Recorded) -> str:
    lines = [
        f"## {name}\n",
        "| what | ours | theirs | ratio | quartiles | goal | |",
        "|---|---|---|---|---|---|---|",
        *(_line(row) for row in recorded.rows),
        f"\n{recorded.conditions}\n",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    goal = "" if row.goal is None else f"≤ {row.goal:g}"
    quartiles = "" if row.low == row.high else f"{row.low:.3g} to {row.high:.3g}"
    return f"| {row.what} | {row.ours} | {row.theirs} | {row.ratio:.3g} | {quartiles} | {goal} | {row.verdict} |"
