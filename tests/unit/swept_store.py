"""A store with images, and the sweeper at hand."""

from chalicelib.domain.images import Image
from chalicelib.domain.stored_renditions import Rendition, State
from chalicelib.domain.sweeping import Finding, Kind, Outcome, Phase
from tests.unit.image_store import NEW, Store

DAY = 24 * 3600.0
LOST, ORPHAN = "originals/" + "0" * 32 + "/" + "1" * 32, "originals/" + "2" * 32 + "/" + "3" * 32


class SweptStore(Store):
    """Time passes by days, so that what is planted is old enough and each sweep is due."""

    def __init__(self, images: int = 3) -> None:
        super().__init__()
        self.sweeping = self.services.sweeping
        for number in range(images):
            self.put(NEW + b"%d" % number, b"k%d" % number)
        self.settle()

    def sweep(self) -> None:
        """A day later: one whole sweep, in as many runs as it takes, and all that it owes."""
        self.parts.clock.advance(DAY)
        self.settle()
        number = self.sweeping.last().number
        for _ in range(1000):
            sweep = self.sweeping.run()
            if sweep.phase is Phase.WAITING or (sweep.phase is Phase.DONE and sweep.number > number):
                break
        else:
            raise AssertionError("the sweep does not end")
        self.settle()

    def image(self, key: bytes = b"k0") -> Image:
        (found,) = [image for image in self.parts.store.images.values() if image.key == key]
        return found

    def rendition(self, kind: str = "thumbnail", key: bytes = b"k0") -> Rendition:
        return self.parts.store.renditions[self.image(key).owner_id, key, kind]

    def plant(self, object_key: str = ORPHAN, data: bytes = b"nobody's") -> None:
        self.parts.objects.stored[object_key] = (data, "image/webp" if "renditions/" in object_key else "image/png")

    def lose(self, object_key: str) -> tuple[bytes, str]:
        return self.parts.objects.stored.pop(object_key)

    def found(self) -> list[tuple[Kind, str, Outcome]]:
        """What admins see, oldest first."""
        return [(one.suspect.kind, one.suspect.object_key, one.outcome) for one in self.findings()]

    def findings(self) -> list[Finding]:
        return self.sweeping.findings(None, 1000).findings[::-1]

    def dangling(self) -> list[str]:
        """What does not belong together, either way, told as words."""
        rows, objects = self.parts.store, self.parts.objects.stored
        lost = {one.outcome is Outcome.LOST and one.suspect.object_key for one in self.findings()}
        kept = {f"quarantine/{one.suspect.object_key}" for one in self.findings() if one.outcome is Outcome.QUARANTINED}
        told = [f"no row: {key}" for key in self.unnamed() - kept if not key.startswith(("dumps/", "quarantine/last"))]
        images = [image.object_key for image in rows.images.values()]
        ready = [one.object_key for one in rows.renditions.values() if one.state is State.READY]
        told += [f"no object: {key}" for key in (*images, *ready, *kept) if key not in objects and key not in lost]
        told += [f"no parent: {place}" for place in rows.renditions if place[:2] not in rows.images]
        return told
