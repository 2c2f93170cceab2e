"""The month's cost as lines of text and as values: each line with where its price comes from. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ops.aws import cost
from ops.aws.templates import APP, DATA, NETWORK, template_of


def source_of(line: cost.Line, table: Mapping[str, Any]) -> str:
    """Who says the line's price, and when."""
    if line.usd is None:
        return "no price known"
    checked: str | None = table["checked"].get(line.unit)
    return checked or f"by hand, {table['date']}"


def told(
    region: str, parameters: Mapping[str, str], load: cost.Load | None = None, *, cdn: bool = False
) -> tuple[list[str], dict[str, Any]]:
    """Idle, and with the load where one is given, in US dollars."""
    table = cost.prices()
    known = cost.prices_for(table, region)
    idle = cost.idle({part: template_of(part) for part in (NETWORK, DATA, APP)}, parameters, known)
    idle += [cost.Line("CDN: its requests, bytes and secret, its name's zone", 1, "month", None)] if cdn else []
    more = [] if load is None else cost.under_load(load, parameters, known)
    sums = {"idle": cost.total(idle), **({"with the load": cost.total([*idle, *more])} if more else {})}

    def written(lines: list[cost.Line]) -> list[str]:
        return [f"{cost.in_words(line)} [{source_of(line, table)}]" for line in lines]

    words = [f"US dollars a month in {region}, idle:", *written(idle)]
    words += ["", "The load adds:", *written(more)] if more else []
    words += ["", *(f"Sum {name}: {usd:.2f}, and {unknown} unknown" for name, (usd, unknown) in sums.items())]
    words += [f"Prices of {table['region']}, {table['date']}. {table['source']}"]
    values = {
        "idle": [{**asdict(one), "source": source_of(one, table)} for one in idle],
        "load": [{**asdict(one), "source": source_of(one, table)} for one in more],
        "sums": {name: {"usd": usd, "unknown_lines": unknown} for name, (usd, unknown) in sums.items()},
        "prices": {name: table[name] for name in ("region", "date", "source")},
    }
    return words, values
