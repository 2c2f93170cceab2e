"""What is asked for of the sweeper's findings, and what the page shows of them, as plain values. Pure."""

from chalicelib.domain.sweeping import Finding, Kind, Phase, Sweep
from chalicelib.web.limits import MAX_LIMIT, MOST_ID, whole_in
from chalicelib.web.page_values import day_and_minute
from chalicelib.web.request_form import RequestForm

KINDS = {
    Kind.OBJECT: "An object without a row",
    Kind.IMAGE: "An image without its bytes",
    Kind.RENDITION: "A rendition without its bytes",
    Kind.PARENTLESS: "A rendition without its image",
    Kind.STRAY: "A copy in quarantine without a note",
    Kind.SWEEP: "The sweep",
}


def asked_for(query: RequestForm, default_limit: int) -> tuple[int | None, int]:
    """Before which finding, and how many. Raises InvalidValueError."""
    before = whole_in(query, "before", 1, MOST_ID) if query.text("before") else None
    return before, whole_in(query, "limit", 1, MAX_LIMIT, default_limit)


def key_of(key: bytes) -> str:
    """The image's key as text, whatever its bytes are."""
    return key.decode("utf-8", "replace")


def shown_finding(finding: Finding) -> dict[str, object]:
    """A finding as the page tells it."""
    suspect = finding.suspect
    return {
        "what": KINDS[suspect.kind],
        "outcome": finding.outcome.value,
        "words": finding.words,
        "object": suspect.object_key,
        "owner": "" if suspect.owner_id is None else suspect.owner_id.hex(),
        "key": "" if suspect.image_key is None else key_of(suspect.image_key),
        "when": day_and_minute(finding.changed_at),
        "when_iso": finding.changed_at.isoformat(timespec="seconds"),
    }


def sweep_words(sweep: Sweep) -> str:
    """How far the sweep is, in words."""
    if sweep.begun_at is None:
        return "Nothing has been swept yet."
    begun = f"Sweep {sweep.number} began {day_and_minute(sweep.begun_at)}"
    if sweep.phase is Phase.WAITING:
        return f"{begun.replace('began', 'waits since')}: see below why."
    seen = f"looked at {sweep.objects:,} objects and {sweep.rows:,} rows"
    ended = f"It ended {sweep.uploads_ended:,} uploads that were never completed."
    if sweep.ended_at is None:
        return f"{begun} and is under way; it has {seen}. {ended}"
    return f"{begun}, {seen} and was done {day_and_minute(sweep.ended_at)}. {ended}"
