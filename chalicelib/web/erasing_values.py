"""What the pages and the API show of an erasure."""

from collections.abc import Mapping

from chalicelib.domain.erasing import SILENT, Erasure, Holdings, State, outside_of, words_of
from chalicelib.web.json_answers import instant
from chalicelib.web.page_values import day_and_minute

FIRST = ("images", "renditions", "image_tags")  # told before all others, and even if there are none


def shown_rows(rows: Mapping[str, int]) -> list[dict[str, str]]:
    """Rows by what people call them, the images first; none that there are none of."""
    ordered = [*FIRST, *sorted(table for table in rows if table not in FIRST and rows[table])]
    return [{"what": words_of(table), "count": f"{rows.get(table, 0):,}"} for table in ordered]


def holdings_body(holdings: Holdings, grace_days: int) -> dict[str, object]:
    """What would be erased, for the API."""
    return {"rows": dict(holdings.rows), "bytes": holdings.bytes, "grace_days": grace_days}


def receipt_body(erasure: Erasure) -> dict[str, object]:
    """The receipt, for the API. Nothing in it tells whose account it was."""
    return {
        "state": erasure.state.value,
        "asked_at": instant(erasure.asked_at),
        "due_at": instant(erasure.due_at),
        "done_at": None if erasure.done_at is None else instant(erasure.done_at),
        "rows": dict(erasure.rows),
        "bytes": erasure.bytes,
        "outside": dict(outside_of(erasure)),
        "silent_nodes": erasure.erased.get(SILENT, 0),
    }


def shown_receipt(erasure: Erasure) -> dict[str, object]:
    """The receipt, for the page."""
    return {
        "state": erasure.state.value,
        "asked": day_and_minute(erasure.asked_at),
        "due": day_and_minute(erasure.due_at),
        "done": None if erasure.done_at is None else day_and_minute(erasure.done_at),
        "rows": [] if erasure.state is State.ASKED else shown_rows(erasure.rows),
        "bytes": f"{erasure.bytes:,}",
        "outside": [{"what": what, "count": f"{count:,}"} for what, count in outside_of(erasure)],
        "silent": erasure.erased.get(SILENT, 0),
    }
