"""Whoever asks, however oddly, sees nothing of anybody else's, also while the cache tells nonsense.

The application in this process on a real MariaDB, a real memcached and the stand-in for S3, with a proxy before the
cache that resets, truncates, garbles and answers out of step. People have images under the same keys as others and
under keys that nobody else has; each answer is searched for what belongs to another.
"""

import hashlib
import html
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from chalicelib.domain.account_ports import ApiToken
from chalicelib.domain.accounts import Account, Scope, hash_of
from chalicelib.web.form_token import token_of
from tests import hostile_images
from tests.faults.fault import PASS, Fault, Kind
from tests.faults.rig import Call, Rig

PEOPLE, SHARED_KEYS, OWN_KEYS = 8, 6, 4
REQUESTS_A_FAULT = 150
FAULTS = (
    PASS,
    Fault(Kind.RESET),
    PASS,
    Fault(Kind.TRUNCATE),
    Fault(Kind.OUT_OF_STEP),
    PASS,
    Fault(Kind.GARBAGE),
    Fault(Kind.OUT_OF_STEP),
)
VISITOR = "0123456789abcdef0123456789abcdef"


@dataclass
class RoundResult:
    """What was seen. `own` are images that were given to their owner, `from_nodes` those of them that a node gave."""

    requests: int = 0
    own: int = 0
    from_nodes: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Person:
    """One account. `contents` are the SHA-256 of every image it ever stored."""

    name: str
    owner_id: bytes
    session: str
    token: str
    contents: set[str] = field(default_factory=set)

    def key(self, source: random.Random) -> str:
        return source.choice([*(f"shared-{n}" for n in range(SHARED_KEYS)), *self.own_keys])

    @property
    def own_keys(self) -> list[str]:
        return [f"{self.name}-{n}" for n in range(OWN_KEYS)]


def run_round(folder: Path, seed: int, requests: int, say: Callable[[str], None]) -> RoundResult:
    """So many requests by random people for random keys, their own and others'."""
    source, result = random.Random(seed), RoundResult()
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        rig = Rig(folder / f"rig-{secrets.token_hex(4)}", patch)
        try:
            people = [_joined(rig, number) for number in range(PEOPLE)]
            for person in people:
                for key in [*(f"shared-{n}" for n in range(SHARED_KEYS)), *person.own_keys]:
                    _store(rig, person, key, source)
            for number in range(requests):
                if number % REQUESTS_A_FAULT == 0:
                    # At first all is well, so that there is something in the cache to be told wrongly.
                    rig.proxies["memcached"].fault = source.choice(FAULTS) if number else PASS
                if number % 10_000 == 0:
                    say(f"seed {seed}: {number} requests, wrong: {result.wrong[:3]}")
                _ask(rig, people, source, result)
                rig.calls.clear()
        finally:
            rig.close()
    return result


def _joined(rig: Rig, number: int) -> Person:
    rows = rig.services.accounts.rows
    person = Person(f"person{number}of{PEOPLE}", secrets.token_bytes(16), secrets.token_hex(16), secrets.token_hex(16))
    rows.create(Account(person.owner_id, f"{person.name}@example.org", "none", admin=False, disabled=False))
    rows.begin_session(person.owner_id, hash_of(person.session), None)
    token = ApiToken(secrets.token_bytes(16), "a script", Scope.WRITE, rig.services.clock.now())
    rows.add_token(person.owner_id, hash_of(person.token), token)
    return person


def _headers(rig: Rig, person: Person, source: random.Random) -> dict[str, str]:
    if source.random() < 0.5:
        return {"Authorization": f"Bearer {person.token}"}
    csrf = token_of(VISITOR, rig.services.config.secret_key)
    return {"Cookie": f"visitor={VISITOR}; session={person.session}", "X-CSRF-Token": csrf}


def _store(rig: Rig, person: Person, key: str, source: random.Random) -> Call:
    data = hostile_images.good_png(16, 16, source.randrange(1 << 30))
    person.contents.add(hashlib.sha256(data).hexdigest())
    path = f"/api/v1/image?key={quote(key, safe='')}"
    return rig.call("PUT", path, data, {"Authorization": f"Bearer {person.token}"})


def _ask(rig: Rig, people: list[Person], source: random.Random, result: RoundResult) -> None:
    person, other = source.sample(people, 2)
    key = source.choice([person.key(source), other.key(source)])
    what = source.random()
    result.requests += 1
    if what < 0.03:
        _judge(_store(rig, person, person.key(source), source), person, people, result)
        return
    quoted = quote(key, safe="")
    extra = source.choice(
        ["", f"&owner={other.name}", f"&owner_id={other.owner_id.hex()}", f"&session={other.session}"]
    )
    headers = _headers(rig, person, source)
    if "Authorization" not in headers and what < 0.5:
        path = source.choice(["/content", "/image", "/delete", "/keys", "/"])
        asked = f"{path}?key={quoted}{extra}"
        call = rig.call("GET", asked, b"", headers)
        # Pages lead back to the address that was asked for, which tells nobody anything.
        for led_back in (html.escape(asked), quote(asked, safe="")):
            call = replace(call, body=call.body.replace(led_back.encode(), b""))
    elif what < 0.05:
        call = rig.call("DELETE", f"/api/v1/image?key={quoted}{extra}", b"", headers)
    elif what < 0.8:
        call = rig.call("GET", f"/api/v1/image?key={quoted}{extra}", b"", headers)
    else:
        path = source.choice(
            [f"/api/v1/image/metadata?key={quoted}", "/api/v1/images?limit=50", f"/api/key?key={quoted}"]
        )
        call = rig.call("GET", path, b"", headers)
    _judge(call, person, people, result)


def _judge(call: Call, person: Person, people: list[Person], result: RoundResult) -> None:
    if call.status == 503:
        result.unavailable += 1
    elif call.status >= 500:
        result.wrong.append(f"{person.name} got {call.status}")
    if call.headers.get("content-type", "").startswith("image/") and call.status == 200:
        digest = hashlib.sha256(call.body).hexdigest()
        if digest in person.contents:
            result.own += 1
            result.from_nodes += call.source.startswith("node ")
        else:
            whose = [one.name for one in people if digest in one.contents]
            result.wrong.append(f"{person.name} was given bytes of {whose or 'nobody'}")
        return
    told = call.body + repr(dict(call.headers)).encode()
    for one in people:
        if one is person:
            continue
        # A key of another's is told only if it was asked for: as one that is not there.
        if one.owner_id.hex().encode() in told or f"{one.name}@".encode() in told:
            result.wrong.append(f"{person.name} was told of {one.name}")
        if call.status == 200 and f"{one.name}-".encode() in told:
            result.wrong.append(f"{person.name} was told a key of {one.name}")
