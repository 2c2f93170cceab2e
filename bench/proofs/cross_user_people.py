"""The people of the proof about others' images: what each of them has, and what it is called."""

import hashlib
import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from chalicelib.adapters import render_child
from chalicelib.domain import jobs
from chalicelib.domain.account_ports import ApiToken
from chalicelib.domain.accounts import Account, Scope, hash_of
from chalicelib.domain.renditions import Kind, Rendered, Seen
from chalicelib.services.rendering import Rendering
from tests import hostile_images
from tests.faults.rig import Call, Rig
from tests.renderable_images import noise_png

PEOPLE, SHARED_KEYS, OWN_KEYS = 8, 4, 3
INLINE_BYTES = 1200  # of two images one is larger, and so are its renditions
SMALL_EDGE, LARGE_EDGE = 16, 48
JSON = {"Content-Type": "application/json"}


@dataclass
class Person:
    """One account. `contents` are the SHA-256 of every image it ever stored, and of all that was made of them.

    `ids` are random ids of what it has, by what they name; `link` is the token of its link to its album.
    """

    name: str
    owner_id: bytes
    session: str
    token: str
    contents: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    link: str = ""

    def key(self, source: random.Random) -> str:
        return source.choice([*(f"shared-{n}" for n in range(SHARED_KEYS)), *self.own_keys])

    @property
    def own_keys(self) -> list[str]:
        return [f"{self.name}-{n}" for n in range(OWN_KEYS)]

    @property
    def tag(self) -> str:
        return f"{self.name}-tag"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class RecordedRenderer:
    """Makes renditions in this process, for thousands of images, and remembers what it made of which."""

    made: dict[str, list[str]] = field(default_factory=dict)  # SHA-256 of renditions, by that of the original

    def render(self, data: bytes, media_type: str, kinds: Sequence[Kind]) -> tuple[Seen, list[Rendered]]:
        """As the port says."""
        wanted = [render_child.Wanted(each.name, each.edge_pixels, each.turn, each.quality) for each in kinds]
        render_child.prepare(media_type, data)
        seen, made = render_child.rendered(data, media_type, wanted)
        digests = self.made.setdefault(hashlib.sha256(data).hexdigest(), [])
        digests += [hashlib.sha256(one.body).hexdigest() for one in made]
        renditions = [Rendered(kind, one.width, one.height, one.body) for kind, one in zip(kinds, made, strict=True)]
        return Seen(seen["width"], seen["height"], tuple(map(tuple, seen["colours"]))), renditions


class Crowd:
    """Everybody, with images under the same keys as others and under keys that nobody else has, rendered."""

    def __init__(self, rig: Rig, source: random.Random) -> None:
        self.rig, self.renderer = rig, RecordedRenderer()
        self.renditions: set[str] = set()  # the SHA-256 of each
        rig.services.config = replace(rig.services.config, inline_bytes=INLINE_BYTES)
        self.rendering: Rendering = replace(rig.services.rendering, renderer=self.renderer)
        self.people = [self._joined(number) for number in range(PEOPLE)]
        for person in self.people:
            for key in [*(f"shared-{n}" for n in range(SHARED_KEYS)), *person.own_keys]:
                self.store(person, key, source)
            self.store(person, f"{person.name}-trashed", source)
        self.render()
        for person in self.people:
            self._furnish(person)

    def store(self, person: Person, key: str, source: random.Random) -> Call:
        """Puts an image that nobody else has, a small or a large one."""
        seed = source.randrange(1 << 30)
        if source.random() < 0.5:
            data = hostile_images.good_png(SMALL_EDGE, SMALL_EDGE, seed)
        else:
            data = noise_png(LARGE_EDGE, seed)
        person.contents.add(hashlib.sha256(data).hexdigest())
        return self.rig.call("PUT", f"/api/v1/image?key={quote(key, safe='')}", data, person.bearer)

    def render(self) -> None:
        """Performs the renderings that are owed."""
        for (job_id,) in self.rig.maria.execute(f"SELECT id FROM jobs WHERE kind = '{jobs.RENDER}'"):  # noqa: S608
            job = self.rig.services.worker.job_rows.claim(bytes(job_id))  # type: ignore[call-overload]  # bytes, as the column is
            if job is not None:
                self.rendering.perform(job)
        made, self.renderer.made = self.renderer.made, {}
        for person in self.people:
            person.contents.update(*(made[one] for one in person.contents & made.keys()))
        self.renditions.update(*made.values())

    def _joined(self, number: int) -> Person:
        rows, now = self.rig.services.accounts.rows, self.rig.services.clock.now()
        name = f"person{number}of{PEOPLE}"
        person = Person(name, secrets.token_bytes(16), secrets.token_hex(16), secrets.token_hex(16))
        rows.create(Account(person.owner_id, f"{name}@example.org", "none", admin=False, disabled=False))
        rows.begin_session(person.owner_id, hash_of(person.session), None)
        token = ApiToken(secrets.token_bytes(16), "a script", Scope.WRITE, now)
        rows.add_token(person.owner_id, hash_of(person.token), token)
        return person

    def _furnish(self, person: Person) -> None:
        """An album and a link to it, a tag, an upload that has begun, a download, and an image in the trash."""
        key, ids = person.own_keys[0], person.ids
        ids["album"] = self._made(person, "/api/v1/albums", title=f"{person.name}-album")["id"]
        self._made(person, f"/api/v1/albums/{ids['album']}/images", key=key)
        self._made(person, "/api/v1/image/tags", key=key, tag=person.tag)
        share = self._made(person, "/api/v1/shares", album=ids["album"])
        ids["share"], person.link = share["id"], share["token"]
        shared = json.loads(self.rig.call("GET", f"/api/v1/shared/{person.link}").body)
        ids["shared image"] = shared["images"][0]["id"]
        begun = self._made(person, "/api/v1/uploads", key=f"{person.name}-upload", media_type="image/png", size="100")
        ids["upload"] = begun["id"]
        ids["download"] = self._made(person, "/api/v1/downloads", keys=[key])["id"]
        trashed = self._made(person, "/api/v1/actions", action="trash", keys=[f"{person.name}-trashed"])
        ids["trash"] = trashed["results"][0]["id"]

    def _made(self, person: Person, path: str, **values: object) -> Any:
        call = self.rig.call("POST", path, json.dumps(values).encode(), {**person.bearer, **JSON})
        if call.status not in (200, 201, 202):
            raise RuntimeError(f"{path} was answered {call.status}: {call.body!r}")
        return json.loads(call.body)
