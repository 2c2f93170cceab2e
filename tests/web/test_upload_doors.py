"""Every door by which an image comes in, found by trying every route; while uploads are blocked none lets one in."""

import json
from collections.abc import Mapping

import pytest

from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS
from chalicelib.domain.uploads import UploadState
from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes.parts import ENVIRON
from tests.web.caller import JSON, MULTIPART, VISITOR, Caller, multipart

BYTES = b"\x89PNG the inspector is a fake here"
CHANGING = sorted(
    (path, method)
    for path, methods in Caller().app.routes.items()
    for method in methods
    if method not in ("GET", "HEAD", "DELETE")
)
# A route that lets an image in and does not stand here fails its test below.
DOORS = {
    ("/upload", "POST"),
    ("/upload/large", "POST"),
    ("/upload/sent", "POST"),
    ("/api/upload", "POST"),
    ("/api/v1/images", "POST"),
    ("/api/v1/images/{key}", "PUT"),
    ("/api/v1/image", "PUT"),
    ("/api/v1/uploads", "POST"),
    ("/api/v1/uploads/{upload_id}/complete", "POST"),
}
TOKEN = token_of(VISITOR, ENVIRON["SECRET_KEY"])
SAID = {"key": "k2", "media_type": "image/png", "size": len(BYTES)}
# What an upload looks like, in whichever way a route may take it.
BODIES: tuple[tuple[Mapping[str, str], bytes], ...] = (
    ({**MULTIPART, "Cookie": f"visitor={VISITOR}"}, multipart(form_token=TOKEN, key="k2", file=BYTES)),
    ({"Content-Type": "image/png"}, BYTES),
    (JSON, json.dumps(SAID).encode()),
)


class Store(Caller):
    """The application, with one upload whose bytes have arrived and of which nobody has been told."""

    def begun(self) -> str:
        begun = self("POST", "/api/v1/uploads", JSON, json.dumps(SAID).encode())
        self.parts.objects.arrive(begun.json["fields"]["key"], BYTES)
        return str(begun.json["id"])

    def block(self) -> None:
        assert self.parts.settings.write(UPLOADS, 0, {BLOCKED: True, NOTE: "Back at six."})

    def came_in(self) -> tuple[int, int]:
        """How many images there are, and how many uploads."""
        return len(self.parts.store.images), len(self.parts.store.uploads)

    def tried(self, path: str, method: str, upload_id: str) -> list[Answer]:
        """The answers, and the pages that they lead to."""
        where = path.replace("{upload_id}", upload_id).replace("{key}", "k2") + f"?key=k2&id={upload_id}"
        answers = [self(method, where, headers, body) for headers, body in BODIES]
        onward = [answer.headers["location"] for answer in answers if answer.status == 303]
        return answers + [self("GET", location) for location in onward]


@pytest.mark.parametrize(("path", "method"), CHANGING)
def test_a_route_that_lets_an_image_in_is_a_door_and_closed_while_uploads_are_blocked(path: str, method: str) -> None:
    store = Store()
    upload_id, before = store.begun(), store.came_in()
    store.tried(path, method, upload_id)
    assert (store.came_in() > before) is ((path, method) in DOORS)

    blocked = Store()
    upload_id, before = blocked.begun(), blocked.came_in()
    blocked.block()
    answers = blocked.tried(path, method, upload_id)
    assert blocked.came_in() == before
    if (path, method) in DOORS:
        told = [answer.body for answer in answers if b"Uploads are blocked for now. Back at six." in answer.body]
        assert told, answers


def test_every_door_is_a_route() -> None:
    assert set(CHANGING) >= DOORS


def test_what_was_on_its_way_when_uploads_were_blocked_is_refused_and_goes() -> None:
    store = Store()
    by_page, by_event = store.begun(), store.begun()
    store.block()
    answer = store("POST", f"/api/v1/uploads/{by_page}/complete")
    services, upload = store.parts.services(), store.parts.store.uploads[bytes.fromhex(by_event)]
    services.uploads.arrived(upload.incoming_key)
    for upload_id in (by_page, by_event):
        ended = store.parts.store.uploads[bytes.fromhex(upload_id)]
        assert ended.state is UploadState.REFUSED
        assert ended.refusal == "Uploads are blocked for now. Back at six."
    assert (answer.json["state"], answer.json["stored"]) == ("refused", False)
    store.parts.clock.advance(1)
    services.worker.resend()
    while store.parts.queue.messages:
        services.worker.perform(store.parts.queue.messages.pop(0))
    assert (store.parts.store.images, store.parts.objects.stored) == ({}, {})
