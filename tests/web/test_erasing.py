"""Erasing an account, by pages and by the API."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes import MemoryParts
from tests.fakes.parts import memory_config
from tests.web.caller import VISITOR, Caller
from tests.web.people import PASSWORD, SECRET, Person, joined, people_app

PICTURE = b"\x89PNG the inspector is a fake here"
CSRF = {"X-CSRF-Token": token_of(VISITOR, SECRET)}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def call() -> Caller:
    return people_app(MemoryParts())


@pytest.fixture
def ada(call: Caller) -> Person:
    """Somebody with one image."""
    person = joined(call, "ada@example.org")
    assert person.put("k1", PICTURE).status == 303
    return person


def work(call: Caller, days: float) -> None:
    """So many days go by, and what is due then is done."""
    parts = call.parts
    parts.clock.advance(timedelta(days=days).total_seconds())
    services = parts.services(config=memory_config())
    for _ in range(5):
        for job_id in [one for one, row in parts.store.jobs.items() if row.due_at <= parts.clock.now()]:
            services.worker.perform(job_id)


def asked(person: Person) -> str:
    """The path of the receipt."""
    answer = person.submit("/account/erase", password=PASSWORD)
    assert answer.status == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    place = urlsplit(answer.headers["location"])
    return f"/erasure?{place.query}"


def test_the_page_counts_what_goes_and_asks_for_the_password(ada: Person) -> None:
    page = ada("GET", "/account/erase").body.decode()
    assert "<dt>Images</dt><dd>1</dd>" in page
    assert "erased in 7 days" in page
    assert 'type="password"' in page
    assert 'href="./erase"' in page or "/account/erase" in ada("GET", "/account").body.decode()


def test_a_wrong_password_erases_nothing_and_is_counted(call: Caller, ada: Person) -> None:
    for _ in range(10):
        answer = ada.submit("/account/erase", password="not the password")
        assert (answer.status, b"not your password" in answer.body) == (400, True)
    assert ada.submit("/account/erase", password=PASSWORD).status == 429
    work(call, 10)
    assert len(call.parts.store.images) == 1


def test_in_the_days_of_grace_one_can_only_withdraw(call: Caller, ada: Person) -> None:
    receipt = asked(ada)
    assert ada("GET", "/account").status != 200
    page = call("GET", receipt).body.decode()
    assert "is erased from" in page
    refused = ada.submit("/sign-in", email="ada@example.org", password=PASSWORD)
    assert (refused.status, b"/withdraw" in refused.body) == (409, True)
    assert b"asked to erase" in refused.body
    wrong = ada.submit("/withdraw", email="ada@example.org", password="not the password")
    assert (wrong.status, b"is wrong" in wrong.body) == (422, True)
    assert ada.submit("/withdraw", email="ada@example.org", password=PASSWORD).status == 303
    assert call("GET", receipt).status == 404
    assert ada.submit("/sign-in", email="ada@example.org", password=PASSWORD).status == 303
    work(call, 30)
    assert len(call.parts.store.images) == 1


def test_the_receipt_tells_what_was_erased_and_nothing_of_whose_it_was(call: Caller, ada: Person) -> None:
    (owner_id,) = {image.owner_id for image in call.parts.store.images.values()}
    receipt = asked(ada)
    work(call, 7.5)
    page = call("GET", receipt)
    told = call("GET", f"/api/v1{receipt}").json
    assert "<dt>Images</dt><dd>1</dd>" in page.body.decode()
    assert (told["state"], told["rows"]["images"]) == ("done", 1)
    for secret in (b"ada", b"k1", owner_id.hex().encode()):
        assert secret not in page.body
        assert secret not in json.dumps(told).encode()
    to, subject, text = call.parts.mail.sent[-1]
    assert (to, subject) == ("ada@example.org", "Your account is erased")
    assert "1  images" in text
    assert not call.parts.store.images
    unknown = call("GET", "/erasure?receipt=another")
    assert (unknown.status, b"No such receipt" in unknown.body) == (404, True)


def test_by_the_api(call: Caller, ada: Person) -> None:
    def ask(password: str) -> Answer:
        body = json.dumps({"password": password}).encode()
        return ada("POST", "/api/v1/account/erasure", {**CSRF, **JSON}, body)

    counted = ada("GET", "/api/v1/account/erasure").json
    assert (counted["rows"]["images"], counted["grace_days"]) == (1, 7)
    assert ask("not the password").status == 400
    answer = ask(PASSWORD)
    assert (answer.status, answer.json["state"]) == (202, "asked")
    assert len(parse_qs(urlsplit(answer.json["receipt"]).query)["receipt"][0]) == 43
    assert call("GET", answer.json["receipt"]).json["state"] == "asked"
    assert ada("GET", "/api/v1/account/erasure").status == 401


def test_the_last_admin_is_told_that_they_are_needed(call: Caller) -> None:
    admin = joined(call, "admin@example.org", admin=True)
    answer = admin.submit("/account/erase", password=PASSWORD)
    assert (answer.status, b"last admin" in answer.body) == (409, True)
    assert admin("GET", "/account").status == 200


def test_who_comes_without_signing_in_has_nothing_to_erase() -> None:
    assert Caller()("GET", "/account/erase").status == 404
