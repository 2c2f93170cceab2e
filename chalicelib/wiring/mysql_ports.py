"""The ports on MySQL, each made when it is first used. What decides and acts reads at the primary only."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.config import Config
from chalicelib.wiring.aws_ports import secret
from chalicelib.wiring.made_once import made_once

if TYPE_CHECKING:
    from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
    from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
    from chalicelib.adapters.mysql.album_rows import MySqlAlbumRows
    from chalicelib.adapters.mysql.database import Database, DatabaseAddress, Selecting
    from chalicelib.adapters.mysql.decision_rows import MySqlDecisionRows, MySqlFleetReports
    from chalicelib.adapters.mysql.detail_rows import MySqlDetailRows
    from chalicelib.adapters.mysql.download_rows import MySqlDownloadRows
    from chalicelib.adapters.mysql.dump_rows import MySqlDumpRows
    from chalicelib.adapters.mysql.erasure_rows import MySqlErasureRows
    from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
    from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows
    from chalicelib.adapters.mysql.idempotency_rows import MySqlAnswerRows
    from chalicelib.adapters.mysql.image_lists import ImageLists
    from chalicelib.adapters.mysql.image_rows import MySqlImageRows
    from chalicelib.adapters.mysql.index_rows import MySqlIndexRows
    from chalicelib.adapters.mysql.job_rows import MySqlJobRows
    from chalicelib.adapters.mysql.many_rows import MySqlManyRows
    from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows
    from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows, MySqlRenditionRows
    from chalicelib.adapters.mysql.scaler_rows import MySqlScalerRows
    from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
    from chalicelib.adapters.mysql.share_rows import MySqlShareRows
    from chalicelib.adapters.mysql.sign_ins import SecretSignIns
    from chalicelib.adapters.mysql.sweep_acts import MySqlSweepActs
    from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows
    from chalicelib.adapters.mysql.trash_rows import MySqlTrashRows
    from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
    from chalicelib.services.replica_status import ReplicaStatus
    from chalicelib.services.staleness import Staleness

_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class _Reading:
    """Where requests read rows, and lists of them; `replica` is the status of what stands beside the primary."""

    rows: "Selecting"
    lists: "ImageLists"
    replica: "ReplicaStatus"


class MySqlPorts:
    """The rows of every kind, and the database that they are in."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def exclusive(self, name: str) -> AbstractContextManager[bool]:
        """As Database.exclusive."""
        return self._database.exclusive(name)

    @made_once
    def staleness(self) -> "Staleness":
        from chalicelib.services.staleness import Staleness

        return Staleness()

    @made_once
    def _address(self) -> "DatabaseAddress":
        from chalicelib.adapters.mysql.database import DatabaseAddress

        config = self._config
        return DatabaseAddress(
            host=config.database_host,
            port=config.database_port,
            user=config.database_user,
            password=config.database_password,
            name=config.database_name,
            tls=config.database_tls,
            ca_file=None if config.database_ca_file is None else str(_PROJECT / config.database_ca_file),
            sign_ins=self._sign_ins,
        )

    @made_once
    def _sign_ins(self) -> "SecretSignIns | None":
        if self._config.database_secret_arn is None:
            return None
        from chalicelib.adapters.mysql.sign_ins import SecretSignIns

        return SecretSignIns(secret(self._config.database_secret_arn))

    @made_once
    def _database(self) -> "Database":
        from chalicelib.adapters.mysql.database import Database

        return Database(self._address)

    @made_once
    def _reading(self) -> _Reading:
        from chalicelib.adapters.mysql.image_lists import ImageLists, ReplicatedImageLists
        from chalicelib.services.replica_status import ReplicaStatus

        config, primary = self._config, self._database
        if config.database_reader_host is None:
            return _Reading(primary, ImageLists(primary), ReplicaStatus(None))
        from chalicelib.adapters.mysql.database import Database
        from chalicelib.adapters.mysql.heartbeats import MySqlHeartbeats
        from chalicelib.adapters.mysql.reads import Reads

        address = replace(self._address, host=config.database_reader_host, port=config.database_reader_port)
        replica = Database(address)
        reads = Reads(primary, replica, self.staleness.note)
        status = ReplicaStatus(MySqlHeartbeats(primary, replica))
        return _Reading(reads, ReplicatedImageLists(reads, replica, status.counts.note), status)

    @property
    def replica(self) -> "ReplicaStatus":
        """What stands beside the primary, if anything."""
        return self._reading.replica

    @made_once
    def maps(self) -> "MySqlFleetMaps":
        from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps

        return MySqlFleetMaps(self._database)

    @made_once
    def shown_maps(self) -> "MySqlFleetMaps":
        from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps

        return MySqlFleetMaps(self._database, self._reading.rows)

    @made_once
    def image_rows(self) -> "MySqlImageRows":
        from chalicelib.adapters.mysql.image_rows import MySqlImageRows

        return MySqlImageRows(self._database, self._reading.rows, self._reading.lists)

    @made_once
    def job_rows(self) -> "MySqlJobRows":
        from chalicelib.adapters.mysql.job_rows import MySqlJobRows

        return MySqlJobRows(self._database)

    @made_once
    def upload_rows(self) -> "MySqlUploadRows":
        from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows

        return MySqlUploadRows(self._database)

    @made_once
    def answers(self) -> "MySqlAnswerRows":
        from chalicelib.adapters.mysql.idempotency_rows import MySqlAnswerRows

        return MySqlAnswerRows(self._database)

    @made_once
    def rendition_rows(self) -> "MySqlRenditionRows":
        from chalicelib.adapters.mysql.rendition_rows import MySqlRenditionRows

        return MySqlRenditionRows(self._database, self._reading.rows)

    @made_once
    def render_rows(self) -> "MySqlRenderRows":
        from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows

        return MySqlRenderRows(self._database)

    @made_once
    def trash_rows(self) -> "MySqlTrashRows":
        from chalicelib.adapters.mysql.trash_rows import MySqlTrashRows

        return MySqlTrashRows(self._database)

    @made_once
    def many_rows(self) -> "MySqlManyRows":
        from chalicelib.adapters.mysql.many_rows import MySqlManyRows

        return MySqlManyRows(self._database)

    @made_once
    def download_rows(self) -> "MySqlDownloadRows":
        from chalicelib.adapters.mysql.download_rows import MySqlDownloadRows

        return MySqlDownloadRows(self._database)

    @made_once
    def album_rows(self) -> "MySqlAlbumRows":
        from chalicelib.adapters.mysql.album_rows import MySqlAlbumRows

        return MySqlAlbumRows(self._database, self._reading.rows)

    @made_once
    def share_rows(self) -> "MySqlShareRows":
        from chalicelib.adapters.mysql.share_rows import MySqlShareRows

        return MySqlShareRows(self._database, self._reading.rows)

    @made_once
    def index_rows(self) -> "MySqlIndexRows":
        from chalicelib.adapters.mysql.index_rows import MySqlIndexRows

        return MySqlIndexRows(self._database)

    @made_once
    def gallery_rows(self) -> "MySqlGalleryRows":
        from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows

        return MySqlGalleryRows(self._reading.rows, self._reading.lists)

    @made_once
    def detail_rows(self) -> "MySqlDetailRows":
        from chalicelib.adapters.mysql.detail_rows import MySqlDetailRows

        return MySqlDetailRows(self._database)

    @made_once
    def settings(self) -> "MySqlSettingsRows":
        from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows

        return MySqlSettingsRows(self._database)

    @made_once
    def shown_settings(self) -> "MySqlSettingsRows":
        from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows

        return MySqlSettingsRows(self._database, self._reading.rows)

    @made_once
    def decisions(self) -> "MySqlDecisionRows":
        from chalicelib.adapters.mysql.decision_rows import MySqlDecisionRows

        return MySqlDecisionRows(self._database, self._reading.rows)

    @made_once
    def reports(self) -> "MySqlFleetReports":
        from chalicelib.adapters.mysql.decision_rows import MySqlFleetReports

        return MySqlFleetReports(self._reading.rows)

    @made_once
    def scaler_rows(self) -> "MySqlScalerRows":
        from chalicelib.adapters.mysql.scaler_rows import MySqlScalerRows

        return MySqlScalerRows(self._database)

    @made_once
    def account_rows(self) -> "MySqlAccountRows":
        from chalicelib.adapters.mysql.account_rows import MySqlAccountRows

        return MySqlAccountRows(self._database, self._reading.rows)

    @made_once
    def admin_rows(self) -> "MySqlAdminRows":
        from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows

        return MySqlAdminRows(self._database)

    @made_once
    def dump_rows(self) -> "MySqlDumpRows":
        from chalicelib.adapters.mysql.dump_rows import MySqlDumpRows

        return MySqlDumpRows(self._database)

    @made_once
    def removal_rows(self) -> "MySqlRemovalRows":
        from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows

        return MySqlRemovalRows(self._database)

    @made_once
    def erasure_rows(self) -> "MySqlErasureRows":
        from chalicelib.adapters.mysql.erasure_rows import MySqlErasureRows

        return MySqlErasureRows(self._database)

    @made_once
    def sweep_rows(self) -> "MySqlSweepRows":
        from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows

        return MySqlSweepRows(self._database)

    @made_once
    def sweep_acts(self) -> "MySqlSweepActs":
        from chalicelib.adapters.mysql.sweep_acts import MySqlSweepActs

        return MySqlSweepActs(self._database)
