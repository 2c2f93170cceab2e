"""An environment from nothing to a served image, its backup into another environment, and both away again, with times.

By the operator's command, in an account of stand-ins: functions are deployed by Chalice into them, MariaDB and
memcached are real. Network, database and nodes' template are the account's own and given as parameters: the stand-ins
know no NAT gateways and make no databases. On AWS those take minutes more, which nothing here tells.
"""

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests import hostile_images
from tests.e2e.store_client import image_path
from tests.local_cloud import until
from tests.operator.operating import Person, Site, joined, left_with_tags, told
from tests.operator.stand_in import StandIn, StandInProcess

MOST_CREATE_SECONDS = 300
OLD, NEW, WHO = "blue", "green", "ann@example.org"


@dataclass
class RoundResult:
    """Seconds, and what was wrong; `left` is what still bore an environment's tags at the end."""

    images: int = 0
    create_seconds: float = 0.0  # from nothing to the first image served by the node that it is routed to
    backup_seconds: float = 0.0
    restore_seconds: float = 0.0
    destroy_seconds: float = 0.0  # the slower of both
    right: int = 0  # images whose SHA-256 is the same in the new environment
    signed_in: bool = False
    left: list[str] = field(default_factory=list)


def run_round(folder: Path, seed: int, say: Callable[[str], None], images: int = 200) -> RoundResult:
    """Raises AssertionError if a command fails."""
    source, result = random.Random(seed), RoundResult(images)
    stand_in = StandInProcess(folder / str(seed))
    try:
        account = stand_in.ready()
        site = _created(account, result)
        say(f"served after {result.create_seconds:.1f} s")
        sha256s = _uploaded(account, site, images, source)
        say(f"{images} images are uploaded")
        file, key = folder / str(seed) / "backup", folder / str(seed) / "key"
        result.backup_seconds = told(account, "backup", OLD, str(file), "--key", str(key), "--new-key")["seconds"]
        _restored(account.elsewhere(), str(file), str(key), sha256s, result)
        say(f"restored in {result.restore_seconds:.1f} s: {result.right} of {images} images")
        for of, name in ((account, OLD), (account.elsewhere(), NEW)):
            result.left += _destroyed(of, name, result)
        say(f"destroyed; left: {result.left}")
    finally:
        stand_in.stop()
    return result


def verdict(results: list[RoundResult]) -> tuple[bool, str]:
    """Whether they hold, and in words."""
    holds = all(
        one.create_seconds <= MOST_CREATE_SECONDS and one.right == one.images > 0 and one.signed_in and not one.left
        for one in results
    )
    return holds, "; ".join(
        f"from nothing to a served image {one.create_seconds:.1f} s; backup of {one.images} images "
        f"{one.backup_seconds:.1f} s, restored into a new environment in {one.restore_seconds:.1f} s: {one.right} are "
        f"the same by SHA-256, an old user {'signed' if one.signed_in else 'NOT signed'} in; destroyed in at most "
        f"{one.destroy_seconds:.1f} s each, {len(one.left)} tagged resources left {' '.join(one.left)}".rstrip()
        for one in results
    )


def _expect(holds: bool, words: str) -> None:
    if not holds:
        raise AssertionError(words)


def _created(account: StandIn, result: RoundResult) -> Site:
    began = time.monotonic()
    made = told(account, "create-env", OLD, "--architecture", "x86", "--yes", *account.words())
    site = Site(made["address"])
    data = hostile_images.good_png(40, 40, 1)
    _expect(site.put("first", data).status == 201, "the first image was not taken")

    def is_routed() -> bool:
        answer = site("GET", image_path("first"))
        return answer.body == data and answer.headers["server-timing"].startswith('source;desc="node ')

    _expect(until(is_routed, timeout_seconds=MOST_CREATE_SECONDS), "no node serves the image")
    result.create_seconds = time.monotonic() - began
    return site


def _uploaded(account: StandIn, site: Site, images: int, source: random.Random) -> dict[str, str]:
    """SHA-256 by key of what somebody with an account has put."""
    joined(account, WHO)
    ann, sha256s = Person(site, WHO), {}
    _expect(ann.sign_in() == 303, "nobody can sign in")
    for number in range(images):
        data = hostile_images.good_png(source.randint(8, 64), source.randint(8, 64), source.randrange(1 << 31))
        _expect(ann.put(f"image {number}", data) == 201, f"image {number} was not taken")
        sha256s[f"image {number}"] = hashlib.sha256(data).hexdigest()
    return sha256s


def _restored(account: StandIn, file: str, key: str, sha256s: dict[str, str], result: RoundResult) -> None:
    made = told(account, "create-env", NEW, "--architecture", "x86", "--yes", *account.words())
    restored = told(account, "restore", NEW, file, "--key", key, "--yes")
    result.restore_seconds = restored["seconds"]
    ann = Person(Site(made["address"]), WHO)
    result.signed_in = ann.sign_in() == 303
    result.right = sum(ann.sha256_of(name) == sha256 for name, sha256 in sha256s.items())


def _destroyed(account: StandIn, name: str, result: RoundResult) -> list[str]:
    """What is left."""
    count = told(account, "destroy-env", name)["objects"]
    began = time.monotonic()
    gone = told(account, "destroy-env", name, "--yes", "--delete-data", f"{name}={count}")
    result.destroy_seconds = max(result.destroy_seconds, time.monotonic() - began)
    return [*gone["left"], *left_with_tags(account, name)]
