"""Whoever asks, however oddly, sees nothing of anybody else's, also while the cache tells nonsense.

The application in this process on a real MariaDB, a real memcached and the stand-in for S3, with a proxy before the
cache that resets, truncates, garbles and answers out of step. People have images under the same keys as others and
under keys that nobody else has, with renditions, tags, albums, links, uploads and trash; each answer is searched for
what belongs to another, and each address that is told in place of bytes is followed.
"""

import hashlib
import html
import json
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode
from urllib.request import urlopen

import pytest

from bench.proofs.cross_user_people import JSON, Crowd, Person
from chalicelib.web.form_token import token_of
from tests.faults.fault import PASS, Fault, Kind
from tests.faults.rig import Call, Rig

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


KINDS = ("thumbnail", "preview", "flipped")
OF_KEYS = ("/api/v1/image", "/api/v1/image", "/api/v1/image/rendition", "/api/v1/image/metadata", "/api/key")
PAGES_OF_KEYS = ("/content", "/image", "/delete", "/rendition", "/shares/new", "/album/choose", "/keys", "/")
OF_IDS = {
    "album": ("/api/v1/albums/{}", "/album?id={}", "/shares/new?album={}", "/album/delete?id={}"),
    "shared image": ("/share/{link}/{}", "/share/{link}/{}/thumbnail", "/share/{link}/{}/preview"),
    "upload": ("/api/v1/uploads/{}",),
    "download": ("/api/v1/downloads/{}", "/api/v1/downloads/{}/zips/1", "/downloads/zip?id={}&number=1"),
    "trash": ("/trash/image?id={}",),
    "share": (),  # it can be revoked, and nothing else
}
LISTS = ("images?limit=50", "trash", "albums", "shares", "downloads", "suggestions?prefix=person", "images?q=person")


@dataclass
class RoundResult:
    """What was seen. `own` are images that were given to their owner, `from_nodes` those of them that a node gave.

    `renditions` and `by_address` are those of them that were renditions, and that a signed address gave; `refused` are
    ids of another's that were asked for.
    """

    requests: int = 0
    own: int = 0
    from_nodes: int = 0
    renditions: int = 0
    by_address: int = 0
    refused: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)


def run_round(folder: Path, seed: int, requests: int, say: Callable[[str], None]) -> RoundResult:
    """So many requests by random people for random keys and ids, their own and others'."""
    source, result = random.Random(seed), RoundResult()
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        rig = Rig(folder / f"rig-{secrets.token_hex(4)}", patch)
        try:
            crowd = Crowd(rig, source)
            for number in range(requests):
                if number % REQUESTS_A_FAULT == 0:
                    crowd.render()
                    # At first all is well, so that there is something in the cache to be told wrongly.
                    rig.proxies["memcached"].fault = source.choice(FAULTS) if number else PASS
                if number % 10_000 == 0:
                    say(f"seed {seed}: {number} requests, wrong: {result.wrong[:3]}")
                person, other = source.sample(crowd.people, 2)
                Asking(crowd, person, other, source, result).ask()
                rig.calls.clear()
        finally:
            rig.close()
    return result


@dataclass
class Asking:
    """One request by `person`, for what is theirs or `other`'s."""

    crowd: Crowd
    person: Person
    other: Person
    source: random.Random
    result: RoundResult

    def ask(self) -> None:
        self.result.requests += 1
        what = self.source.random()
        if what < 0.03:
            key = self.person.key(self.source)
            self._judge(self.crowd.store(self.person, key, self.source))
        elif what < 0.05:
            self._judge(self._call("DELETE", f"/api/v1/image?{self._query()}"))
        elif what < 0.20:
            self._ask_for_id()
        elif what < 0.25:
            self._judge(self._call("GET", f"/api/v1/{self.source.choice(LISTS)}"))
        elif what < 0.28:
            self._change_by_name()
        elif what < 0.60:
            self._judge(self._call("GET", f"{self.source.choice(PAGES_OF_KEYS)}?{self._query()}", session=True))
        else:
            self._judge(self._call("GET", f"{self.source.choice(OF_KEYS)}?{self._query()}"))

    def _query(self) -> str:
        """A key of either's, oddly written now and then, with a kind, and something beside that names another."""
        key = self.source.choice([self.person, self.person, self.other]).key(self.source)
        odd = self.source.random()
        if odd < 0.1:
            key = "".join(self.source.choice([letter, letter.upper()]) for letter in key)
        quoted = "".join(f"%{ord(letter):02x}" for letter in key) if odd > 0.9 else quote(key, safe="")
        other = self.other
        beside = {"owner": other.name, "owner_id": other.owner_id.hex(), "session": other.session, "token": other.token}
        name = self.source.choice([None, *beside])
        extra = "" if name is None else f"&{name}={beside[name]}"
        return f"key={quoted}&kind={self.source.choice(KINDS)}{extra}"

    def _ask_for_id(self) -> None:
        """An id of the other's is nobody's; in capitals or with a space behind it too."""
        what = self.source.choice([name for name, paths in OF_IDS.items() if paths])
        theirs = self.source.random() < 0.6
        asked = (self.other if theirs else self.person).ids[what]
        written = self.source.choice([asked, asked, asked.upper(), f"{asked}%20", f"%{ord(asked[0]):02x}{asked[1:]}"])
        path = self.source.choice(OF_IDS[what]).replace("{link}", self.person.link).replace("{}", written)
        call = self._call("GET", path, session=not path.startswith("/api"))
        self._judge(call, asked)
        if theirs:
            self.result.refused += 1
            if call.status < 400:
                self.result.wrong.append(f"{self.person.name} asked for {what} of {self.other.name}: {call.status}")

    def _change_by_name(self) -> None:
        """What changes something, by the other's key or id: it finds nothing, and their things are as they were."""
        key, ids = self.other.own_keys[0], self.other.ids
        method, path, values = self.source.choice(
            [
                ("POST", "/api/v1/image/tags", {"key": key, "tag": "seen"}),
                ("POST", "/api/v1/image/edits", {"key": key, "kind": "greyscale"}),
                ("POST", f"/api/v1/albums/{ids['album']}/images", {"key": self.person.own_keys[0]}),
                ("POST", f"/api/v1/uploads/{ids['upload']}/complete", {}),
                ("DELETE", f"/api/v1/shares/{ids['share']}", {}),
                ("POST", "/api/v1/shares", {"key": key}),
                ("POST", "/api/v1/downloads", {"keys": [key]}),
                ("POST", "/api/v1/trash/actions", {"action": "restore", "ids": [ids["trash"]]}),
            ]
        )
        call = self._call(method, path, json.dumps(values).encode())
        self._judge(call, *ids.values())
        found = json.loads(call.body).get("done") if call.status == 200 else call.status < 400
        if found:
            self.result.wrong.append(f"{self.person.name} changed what is {self.other.name}'s by {path}")

    def _call(self, method: str, path: str, body: bytes = b"", session: bool = False) -> Call:
        rig, headers = self.crowd.rig, {**self.person.bearer, **JSON}
        if session or self.source.random() < 0.5:
            csrf = token_of(VISITOR, rig.services.config.secret_key)
            headers = {"Cookie": f"visitor={VISITOR}; session={self.person.session}", "X-CSRF-Token": csrf, **JSON}
        call = rig.call(method, path, body, headers)
        # Pages lead back to the address that was asked for, and fill in its key, which tells nobody anything.
        page, _, query = path.partition("?")
        for written in (path, f"{page}?{urlencode(parse_qsl(query))}"):
            for led_back in (html.escape(written), quote(written, safe="")):
                call = replace(call, body=call.body.replace(led_back.encode(), b""))
        return call

    def _judge(self, call: Call, *asked: str) -> None:
        """Looks for what is another's in the answer, but for the ids that were `asked` for."""
        person, result = self.person, self.result
        if call.status == 503:
            result.unavailable += 1
        elif call.status >= 500:
            result.wrong.append(f"{person.name} got {call.status}")
        if call.status == 302 and "X-Amz-Signature" in call.headers.get("location", ""):
            with urlopen(call.headers["location"], timeout=30) as answer:  # noqa: S310  # an address of our own
                self._judge_bytes(answer.read(), by_address=True)
        if call.headers.get("content-type", "").startswith("image/") and call.status == 200:
            self._judge_bytes(call.body)
            result.from_nodes += call.source.startswith("node ")
            return
        told = (call.body + repr(dict(call.headers)).encode()).lower()
        for one in self.crowd.people:
            if one is person:
                continue
            # A key of another's is told only if it was asked for: as one that is not there.
            ids = [one.owner_id.hex(), *(one_id for one_id in one.ids.values() if one_id not in asked)]
            if any(known.encode() in told for known in (*ids, f"{one.name}@")):
                result.wrong.append(f"{person.name} was told of {one.name}")
            if call.status == 200 and f"{one.name}-".encode() in told:
                result.wrong.append(f"{person.name} was told a key of {one.name}")

    def _judge_bytes(self, data: bytes, by_address: bool = False) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest in self.person.contents:
            self.result.own += 1
            self.result.by_address += by_address
            self.result.renditions += digest in self.crowd.renditions
            return
        whose = [one.name for one in self.crowd.people if digest in one.contents]
        self.result.wrong.append(f"{self.person.name} was given bytes of {whose or 'nobody'}")
