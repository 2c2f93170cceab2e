"""The images of one test, and a record of what every answer about them makes true."""

import secrets

from tests import hostile_images
from tests.faults.rig import Call, Rig
from tests.local_cloud import until


class Images:
    """Images of one test, and what every key may hold: None for no image."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._name = secrets.token_hex(4)
        self.may_hold: dict[str, set[bytes | None]] = {}

    def new(self) -> tuple[str, bytes]:
        """A key of its own and an image like no other."""
        return f"{self._name} {len(self.may_hold)}", hostile_images.good_png(40, 30, secrets.randbelow(2**31))

    def stored(self, *, read: bool = False) -> str:
        """The key of an image that was put while all was well; in the cache if it was read."""
        key, data = self.new()
        assert self.rig.put(key, data).status == 201
        self.may_hold[key] = {data}
        if read:
            assert self.get(key).status == 200
        return key

    def get(self, key: str) -> Call:
        """Reads; whatever happens, bytes that are not the key's are never shown, and an image there is never denied."""
        call = self.rig.get(key)
        if call.status == 200:
            assert call.body in self.may_hold[key], f"foreign bytes under {key}"
        else:
            assert call.status == 503 or (call.status == 404 and None in self.may_hold[key]), call
        return call

    def put(self) -> Call:
        key, data = self.new()
        self.may_hold[key] = {None, data}
        call = self.rig.put(key, data)
        if call.status == 201:
            self.may_hold[key] = {data}
        return call

    def replace(self, key: str) -> Call:
        _, data = self.new()
        self.may_hold[key] |= {data}
        call = self.rig.put(key, data)
        if call.status == 200:
            self.may_hold[key] = {data}
        return call

    def delete(self, key: str) -> Call:
        self.may_hold[key] |= {None}
        call = self.rig.delete(key)
        if call.status == 204:
            self.may_hold[key] = {None}
        return call

    def check(self) -> None:
        """After the fault: every acknowledgment was true, and nothing is half-stored."""
        for key in self.may_hold:
            assert self.get(key).status in (200, 404)
        listed = {name for name in self.rig.keys() if name.startswith(self._name)}  # noqa: SIM118 # not a mapping
        assert {key for key, held in self.may_hold.items() if held == {None}} & listed == set()
        assert {key for key, held in self.may_hold.items() if None not in held} <= listed
        # What was under way when its caller gave up may still arrive.
        assert until(lambda: not self.rig.untrue(), timeout_seconds=10), self.rig.untrue()
