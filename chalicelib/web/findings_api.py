"""What the sweeper found, as REST: /api/v1/admin/findings."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.sweeping import Finding, Sweep
from chalicelib.web import finding_values
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.limits import DEFAULT_LIMIT
from chalicelib.web.request_form import query_of
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The one route."""
    routes = Views()

    @routes.route("/api/v1/admin/findings", "GET")
    def get_findings() -> Response:
        before, limit = finding_values.asked_for(query_of(request()), DEFAULT_LIMIT)
        found = services().sweeping.findings(before, limit)
        return json_answer(
            {
                "sweep": _sweep(services().sweeping.last()),
                "findings": [_finding(one) for one in found.findings],
                "next_before": found.next_before,
            }
        )

    return routes


def _sweep(sweep: Sweep) -> dict[str, object]:
    return {
        "number": sweep.number,
        "phase": sweep.phase.value,
        "begun_at": sweep.begun_at and instant(sweep.begun_at),
        "ended_at": sweep.ended_at and instant(sweep.ended_at),
        "objects": sweep.objects,
        "rows": sweep.rows,
        "uploads_ended": sweep.uploads_ended,
    }


def _finding(finding: Finding) -> dict[str, object]:
    suspect = finding.suspect
    return {
        "id": finding.id,
        "kind": suspect.kind.value,
        "object": suspect.object_key,
        "owner": None if suspect.owner_id is None else suspect.owner_id.hex(),
        "key": None if suspect.image_key is None else finding_values.key_of(suspect.image_key),
        "outcome": finding.outcome.value,
        "words": finding.words,
        "found_at": instant(finding.found_at),
        "changed_at": instant(finding.changed_at),
    }
