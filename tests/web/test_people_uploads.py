"""Uploads of people with accounts: nobody sees, completes or repeats another's."""

import json
from dataclasses import replace

import pytest

from chalicelib.web.form_token import token_of
from tests.fakes import MemoryParts
from tests.fakes.parts import ENVIRON
from tests.web.caller import JSON, VISITOR
from tests.web.people import Person, joined, people_app

DATA = b"\x89PNG the inspector is a fake here"
CSRF = {"X-CSRF-Token": token_of(VISITOR, ENVIRON["SECRET_KEY"])}
BEGINNING = json.dumps({"key": "k1", "media_type": "image/png", "size": len(DATA)}).encode()


@pytest.fixture
def ada() -> Person:
    return joined(people_app(MemoryParts()), "ada@example.org")


@pytest.fixture
def bob(ada: Person) -> Person:
    return joined(ada.call, "bob@example.org")


def posted(person: Person) -> str:
    """The path of an upload of theirs whose bytes have arrived."""
    begun = person("POST", "/api/v1/uploads", {**JSON, **CSRF}, BEGINNING)
    assert begun.status == 201, begun.body
    person.call.parts.objects.arrive(begun.json["fields"]["key"], DATA)
    return f"/api/v1/uploads/{begun.json['id']}"


def test_a_person_s_upload_becomes_their_image(ada: Person) -> None:
    path = posted(ada)
    assert ada("POST", f"{path}/complete", CSRF).json["state"] == "done"
    assert ada("GET", "/content?key=k1").body == DATA


def test_an_upload_told_of_by_an_event_becomes_its_owner_s_image(ada: Person, bob: Person) -> None:
    upload_id = bytes.fromhex(posted(ada).rpartition("/")[2])
    ada.call.parts.services().uploads.arrived(ada.call.parts.store.uploads[upload_id].incoming_key)
    assert ada("GET", "/content?key=k1").body == DATA
    assert bob("GET", "/content?key=k1").status == 404


def test_another_s_upload_answers_as_none_at_all(ada: Person, bob: Person) -> None:
    path, nowhere = posted(ada), "/api/v1/uploads/" + "0" * 32
    for method, end in (("GET", ""), ("POST", "/complete")):
        theirs, none = bob(method, path + end, CSRF), bob(method, nowhere + end, CSRF)
        assert theirs.status == none.status == 404
        assert theirs.json["type"] == none.json["type"]
    assert ada("GET", path).json["state"] == "waiting"


def test_the_same_idempotency_key_of_another_is_another(ada: Person, bob: Person) -> None:
    named = {**JSON, **CSRF, "Idempotency-Key": "one"}
    first, other = (person("POST", "/api/v1/uploads", named, BEGINNING) for person in (ada, bob))
    assert (first.status, other.status) == (201, 201)
    assert first.json["id"] != other.json["id"]


def test_a_session_uploads_nothing_without_the_page_s_token(ada: Person) -> None:
    path = posted(ada)
    assert ada("POST", "/api/v1/uploads", JSON, BEGINNING).status == 403
    assert ada("POST", f"{path}/complete").status == 403


def test_a_token_that_may_read_sees_uploads_and_neither_begins_nor_completes_one(ada: Person) -> None:
    path, token = posted(ada), ada.token("read")
    assert ada.call("GET", path, token).json["state"] == "waiting"
    assert ada.call("POST", f"{path}/complete", token).status == 403
    assert ada.call("POST", "/api/v1/uploads", {**JSON, **token}, BEGINNING).status == 403
    assert ada.call("POST", f"{path}/complete", ada.token("write")).json["state"] == "done"


def test_nothing_that_arrives_for_a_closed_account_is_kept(ada: Person) -> None:
    parts = ada.call.parts
    upload_id = bytes.fromhex(posted(ada).rpartition("/")[2])
    upload = parts.store.uploads[upload_id]
    parts.store.accounts[upload.owner_id] = replace(parts.store.accounts[upload.owner_id], disabled=True)
    parts.services().uploads.arrived(upload.incoming_key)
    assert parts.store.uploads[upload_id].state.value == "refused"
    assert parts.store.images == {}
