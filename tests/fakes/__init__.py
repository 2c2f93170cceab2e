"""In-memory fakes of every port, each behaving as the real part does; tests/contract holds both to the same suites."""

from tests.fakes.clock import ManualClock, NullStopwatch
from tests.fakes.fleet_maps import MemoryFleetMaps
from tests.fakes.image_rows import MemoryImageRows
from tests.fakes.inspector import FixedInspector
from tests.fakes.job_rows import MemoryJobRows
from tests.fakes.node_cache import MemoryNodeCache, MemoryNodeCaches
from tests.fakes.objects import MemoryObjects
from tests.fakes.parts import MemoryParts, memory_app, memory_services
from tests.fakes.queue import MemoryQueue
from tests.fakes.renderer import FixedRenderer
from tests.fakes.rendition_rows import MemoryRenditionRows
from tests.fakes.settings_rows import MemorySettingsRows
from tests.fakes.steps import Steps
from tests.fakes.store import MemoryStore

__all__ = [
    "FixedInspector",
    "FixedRenderer",
    "ManualClock",
    "MemoryFleetMaps",
    "MemoryImageRows",
    "MemoryJobRows",
    "MemoryNodeCache",
    "MemoryNodeCaches",
    "MemoryObjects",
    "MemoryParts",
    "MemoryQueue",
    "MemoryRenditionRows",
    "MemorySettingsRows",
    "MemoryStore",
    "NullStopwatch",
    "Steps",
    "memory_app",
    "memory_services",
]
