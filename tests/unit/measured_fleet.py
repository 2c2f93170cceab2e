"""A fleet over fakes that has been measured for some minutes, for tests of the scaler's runs."""

from chalicelib.domain.cache_settings import CacheSettings
from tests.fakes.fleet_world import FleetWorld

AUTO = CacheSettings(mode="auto", num_nodes=2)


def world_of(settings: CacheSettings = AUTO) -> FleetWorld:
    """A fleet at its target, measured for some minutes."""
    world = FleetWorld(settings)
    world.run()
    for _ in range(3):
        world.minute(1000, 500)
    assert len(world.serving) == settings.num_nodes
    return world


def reports(world: FleetWorld) -> dict[str, str]:
    assert world.store.report is not None
    return {one.id: one.state for one in world.store.report.nodes}
