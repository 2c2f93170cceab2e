"""What the sweeper found, as admins read it: the page and the API."""

import re
from typing import Any

import jsonschema
import pytest

from chalicelib.domain import sweeping
from chalicelib.domain.sweeping import Kind, Outcome, Suspect
from chalicelib.web.openapi import document
from tests.fakes import MemoryParts
from tests.unit.swept_store import ORPHAN
from tests.web.caller import Caller
from tests.web.people import PASSWORD, Person, joined, people_app


@pytest.fixture
def call() -> Caller:
    return people_app(MemoryParts())


@pytest.fixture
def root(call: Caller) -> Person:
    return joined(call, "root@example.org", admin=True)


def sweep(call: Caller) -> None:
    while call.parts.services().sweeping.run().phase.value != "done":
        pass


def page_of(answer: Any) -> Any:
    """The answer, once it is as the document says."""
    assert answer.status == 200, answer.body
    components: Any = document()["components"]
    jsonschema.validate(answer.json, {"$ref": "#/components/schemas/FindingPage", "components": components})
    return answer.json


def test_before_the_first_sweep_there_is_nothing(root: Person) -> None:
    assert b"Nothing has been swept yet." in root("GET", "/admin/findings").body
    found = page_of(root("GET", "/api/v1/admin/findings"))
    assert (found["findings"], found["sweep"]["begun_at"]) == ([], None)


def test_an_admin_reads_what_was_found_and_what_became_of_it(call: Caller, root: Person) -> None:
    assert root.put("k1", b"\x89PNG the inspector is a fake here").status == 303  # of a single object none may go
    call.parts.objects.stored[ORPHAN] = (b"nobody's", "image/png")
    sweep(call)
    page = root("GET", "/admin/findings").body.decode()
    assert "An object without a row" in page
    assert "quarantined" in page
    assert ORPHAN in page
    assert "Sweep 1 began" in page
    found = page_of(root("GET", "/api/v1/admin/findings"))
    assert [(one["kind"], one["object"], one["outcome"]) for one in found["findings"]] == [
        ("object", ORPHAN, "quarantined")
    ]
    assert (found["sweep"]["number"], found["sweep"]["phase"], found["sweep"]["objects"]) == (1, "done", 2)


def test_a_lost_image_is_told_with_its_owner_and_key_as_text(
    call: Caller, root: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = joined(call, "ada@example.org")
    assert ada.put("<b>k&1", b"\x89PNG the inspector is a fake here").status == 303
    (image,) = call.parts.store.images.values()
    del call.parts.objects.stored[image.object_key]
    monkeypatch.setattr(sweeping, "LEAST_AGE_SECONDS", 0)
    sweep(call)
    (finding,) = page_of(root("GET", "/api/v1/admin/findings"))["findings"]
    assert (finding["outcome"], finding["key"], finding["owner"]) == ("lost", "<b>k&1", image.owner_id.hex())
    page = root("GET", "/admin/findings").body.decode()
    assert "&lt;b&gt;k&amp;1" in page
    assert f"/admin/user?id={image.owner_id.hex()}" in page
    assert "<b>k" not in page


def planted(call: Caller, first: int) -> list[str]:
    """Objects without rows, more than a sweep of so small a store may act on."""
    keys = [f"{ORPHAN[:-2]}{number:02}" for number in range(first, first + 20)]
    for key in keys:
        call.parts.objects.stored[key] = (b"nobody's", "image/png")
    return keys


def outcomes(root: Person) -> dict[str, str]:
    found = page_of(root("GET", "/api/v1/admin/findings?limit=100"))["findings"]
    return {one["object"]: one["outcome"] for one in found}


def test_a_sweep_that_stopped_is_let_act_once_by_an_admin_who_gives_the_password(call: Caller, root: Person) -> None:
    orphans = planted(call, 0)
    sweep(call)
    assert outcomes(root) == {"sweep 1": "stopped"}
    page = root("GET", "/admin/findings").body.decode()
    assert "It suspected 20 objects and 0 rows, and touched nothing." in page
    wrong = root.submit("/admin/findings", password="not this one")
    assert (wrong.status, b"This is not your password." in wrong.body) == (400, True)
    assert call.parts.services().sweeping.run().number == 1  # not due for a day, and nothing was allowed
    for _ in range(2):  # a form that is sent twice is one deed
        allowed = root.submit("/admin/findings", password=PASSWORD)
        assert (allowed.status, allowed.headers["location"]) == (303, "/admin/findings?notice=anyway")
    page = root("GET", "/admin/findings?notice=anyway").body.decode()
    assert "acts on all that it finds" in page
    assert "Sweep anyway, once" not in page
    call.parts.services().sweeping.run()
    sweep(call)
    told = outcomes(root)
    assert {told[key] for key in orphans} == {"quarantined"}
    entries = root("GET", "/api/v1/admin/audit").json["entries"]
    assert [(one["outcome"], one["about"]) for one in entries if one["what"] == "sweep anyway"] == [
        ("done", "after sweep 1: 20 objects, 0 rows"),
        ("refused", ""),
    ]
    again = planted(call, 20)
    call.parts.clock.advance(2 * 24 * 3600)
    call.parts.services().sweeping.run()
    sweep(call)
    left = {one.suspect.object_key: one.outcome for one in call.parts.services().sweeping.findings(None, 100).findings}
    assert left["sweep 3"] is Outcome.STOPPED
    assert not set(again) & left.keys()


def test_where_no_sweep_stopped_there_is_nothing_to_allow(call: Caller, root: Person) -> None:
    sweep(call)
    assert b"Sweep anyway" not in root("GET", "/admin/findings").body
    refused = root.submit("/admin/findings", password=PASSWORD)
    assert (refused.status, b"there is nothing to allow" in refused.body) == (400, True)
    assert call.parts.services().sweeping.last().next_anyway is False


def test_many_findings_come_page_by_page(call: Caller, root: Person) -> None:
    suspects = [Suspect(Kind.OBJECT, f"originals/{number:03}") for number in range(120)]
    rows = call.parts.sweep_rows
    assert rows.keep(0, rows.sweep()[1], suspects)
    seen: list[str] = []
    path: str | None = "/admin/findings"
    while path is not None:
        page = root("GET", path).body.decode()
        seen += re.findall(r"<bdi>(originals/[0-9]{3})</bdi>", page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = None if older is None else older[1]
    assert seen == [one.object_key for one in reversed(suspects)]
    found = page_of(root("GET", "/api/v1/admin/findings?limit=3"))
    assert [one["object"] for one in found["findings"]] == seen[:3]
    found = page_of(root("GET", f"/api/v1/admin/findings?limit=200&before={found['next_before']}"))
    assert [one["object"] for one in found["findings"]] == seen[3:]
    assert found["next_before"] is None


@pytest.mark.parametrize("query", ["before=x", "before=0", "limit=0", "limit=x", "limit=100000", "before=" + "9" * 30])
def test_what_is_no_number_is_refused_in_words(root: Person, query: str) -> None:
    for path in ("/admin/findings", "/api/v1/admin/findings"):
        answer = root("GET", f"{path}?{query}")
        assert (answer.status, b"must be a whole number" in answer.body) == (400, True)


def test_nobody_but_an_admin_reads_them(call: Caller, root: Person) -> None:
    ada = joined(call, "ada@example.org")
    for path in ("/admin/findings", "/api/v1/admin/findings"):
        assert ada("GET", path).status == 403
        assert call("GET", path).status in (303, 401)
