"""Where the fleet map and EC2 say different things of an environment's nodes."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from chalicelib.domain import fleet
from chalicelib.domain.fleet import FleetMap
from ops.database import Database

ASK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """Ids of nodes. All empty: the map and EC2 agree."""

    gone: tuple[str, ...]  # the map names them, EC2 does not
    unused: tuple[str, ...]  # instances that the map does not name: on their way in, or left over
    elsewhere: tuple[str, ...]  # the map has another address of them than EC2


def drift(fleet_map: FleetMap, instances: Mapping[str, str]) -> Drift:
    """`instances` are addresses by id. Pure."""
    named = {node.id: node.address for node in fleet_map.named}
    return Drift(
        gone=tuple(sorted(named.keys() - instances.keys())),
        unused=tuple(sorted(instances.keys() - named.keys())),
        elsewhere=tuple(sorted(one for one in named.keys() & instances.keys() if named[one] != instances[one])),
    )


def in_words(found: Drift) -> list[str]:
    """A line for each kind that there is."""
    several = (
        ("the map names, EC2 does not", found.gone),
        ("instances that the map does not name", found.unused),
        ("another address in the map than in EC2", found.elsewhere),
    )
    lines = [f"fleet: {words}: {', '.join(ids)}" for words, ids in several if ids]
    return lines or ["fleet: the map and EC2 agree"]


def published_map(database: Database) -> FleetMap:
    """As the environment's database has it. Raises pymysql.err.MySQLError."""
    with (
        closing(database.connect(timeout_seconds=ASK_SECONDS, statement_timeout_seconds=ASK_SECONDS)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT version, body FROM fleet_maps WHERE id = 1")
        row = cursor.fetchone()
    return fleet.EMPTY if row is None else fleet.from_json(int(row[0]), str(row[1]))
