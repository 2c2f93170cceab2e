"""Everything that the faces and the handlers use, each built when it is first used, once a process."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from chalicelib.adapters.json_logs import log_as_json
from chalicelib.config import Config, config_from, secret_key
from chalicelib.services.tracing import current_request_id
from chalicelib.wiring.made_once import made_once
from chalicelib.wiring.ports import Ports

if TYPE_CHECKING:
    from chalicelib.domain.jobs import Job
    from chalicelib.domain.ports import Clock, DecisionRows, FleetMaps, FleetReports, NodeAdmins
    from chalicelib.domain.scaler_ports import ScalerRows
    from chalicelib.domain.upload_ports import AnswerRows
    from chalicelib.services.account_mails import AccountMails
    from chalicelib.services.accounts import Accounts
    from chalicelib.services.admin import Admin
    from chalicelib.services.albums import Albums
    from chalicelib.services.cache_configuration import CacheConfiguration
    from chalicelib.services.data_removal import DataRemoval
    from chalicelib.services.downloads import Downloads
    from chalicelib.services.dump_making import DumpMaking
    from chalicelib.services.dumps import Dumps
    from chalicelib.services.edit_notices import NoticeSwitch, TellingOwners
    from chalicelib.services.erasing import Erasing
    from chalicelib.services.fleet_console import FleetConsole
    from chalicelib.services.fleet_status import FleetStatus
    from chalicelib.services.gallery import Gallery
    from chalicelib.services.image_details import ImageDetails
    from chalicelib.services.images import Images
    from chalicelib.services.indexing import Indexing
    from chalicelib.services.labelling import Labelling
    from chalicelib.services.many import Many
    from chalicelib.services.page_cache import PageCache
    from chalicelib.services.read_through import FillPolicy, ReadThrough
    from chalicelib.services.readiness import Asking
    from chalicelib.services.rendering import Rendering
    from chalicelib.services.renditions import Renditions
    from chalicelib.services.replica_status import ReplicaStatus
    from chalicelib.services.sending import Sending
    from chalicelib.services.shares import Shares
    from chalicelib.services.staleness import Staleness
    from chalicelib.services.sweep_override import SweepOverride
    from chalicelib.services.sweeping import Sweeping
    from chalicelib.services.trash import Trash
    from chalicelib.services.uploads import Uploads
    from chalicelib.services.worker import Worker
    from chalicelib.services.zip_making import ZipMaking

_building = threading.Lock()
_built: "list[Services]" = []


def services() -> "Services":
    """This process's services, from its environment. Raises ConfigError."""
    if not _built:
        with _building:  # two first requests at once build them once
            if not _built:
                _built.append(services_from(os.environ))
                log_as_json(current_request_id)
    return _built[0]


def services_from(environ: Mapping[str, str]) -> "Services":
    """Services on real parts. Nothing is connected before it is used. Raises ConfigError."""
    from chalicelib.wiring.real_ports import RealPorts

    config = config_from(environ)
    return Services(config, RealPorts(config))


class Services:
    """The use cases on their ports. Each module is imported when its service is first used."""

    def __init__(self, config: Config, ports: Ports, fill_policy: "FillPolicy | None" = None) -> None:
        self.config = config
        self.ports = ports
        self._fill_policy = fill_policy

    @property
    def clock(self) -> "Clock":
        return self.ports.clock

    @property
    def staleness(self) -> "Staleness":
        return self.ports.staleness

    @property
    def replica(self) -> "ReplicaStatus":
        return self.ports.replica

    @property
    def exclusive(self) -> Callable[[str], AbstractContextManager[bool]]:
        return self.ports.exclusive

    @property
    def maps(self) -> "FleetMaps":
        return self.ports.maps

    @property
    def answers(self) -> "AnswerRows":
        return self.ports.answers

    @property
    def decisions(self) -> "DecisionRows":
        return self.ports.decisions

    @property
    def reports(self) -> "FleetReports":
        return self.ports.reports

    @property
    def admins(self) -> "NodeAdmins":
        return self.ports.admins

    @property
    def scaler_rows(self) -> "ScalerRows":
        return self.ports.scaler_rows

    def form_key(self) -> str:
        """What signs the tokens of forms. Raises UnavailableError while it cannot be read."""
        if self.config.form_secret_arn is None:
            return self.config.secret_key
        return secret_key(self.ports.form_secret.current())

    @made_once
    def read_through(self) -> "ReadThrough":
        from chalicelib.services.read_through import FillPolicy, ReadThrough

        policy = self._fill_policy or FillPolicy(item_bytes=self.config.node_item_bytes)
        return ReadThrough(self.ports.shown_maps, self.ports.caches, self.ports.objects, self.clock, policy)

    @made_once
    def images(self) -> "Images":
        from chalicelib.services.images import Images

        ports = self.ports
        return Images(
            ports.image_rows,
            ports.job_rows,
            ports.objects,
            ports.inspector,
            ports.queue,
            self.read_through,
            ports.image_addresses,
            ports.staleness,
        )

    @made_once
    def uploads(self) -> "Uploads":
        from chalicelib.services.uploads import Uploads

        ports = self.ports
        return Uploads(
            rows=ports.upload_rows,
            answers=ports.answers,
            image_rows=ports.image_rows,
            job_rows=ports.job_rows,
            incoming=ports.incoming,
            objects=ports.objects,
            inspector=ports.inspector,
            queue=ports.queue,
            clock=ports.clock,
            most_bytes=self.config.max_upload_bytes,
        )

    @made_once
    def renditions(self) -> "Renditions":
        from chalicelib.services.renditions import Renditions

        return Renditions(self.ports.rendition_rows, self.images)

    @made_once
    def albums(self) -> "Albums":
        from chalicelib.services.albums import Albums

        return Albums(self.ports.album_rows, self.ports.queue, self.ports.job_rows)

    @made_once
    def shares(self) -> "Shares":
        from chalicelib.services.shares import Shares

        ports = self.ports
        return Shares(
            rows=ports.share_rows,
            account_rows=ports.account_rows,
            passwords=ports.passwords,
            read_through=self.read_through,
            queue=ports.queue,
            job_rows=ports.job_rows,
            most_bytes=self.config.inline_bytes,
        )

    @made_once
    def indexing(self) -> "Indexing":
        from chalicelib.services.indexing import Indexing

        return Indexing(self.ports.index_rows, self.sending)

    @made_once
    def gallery(self) -> "Gallery":
        from chalicelib.services.gallery import Gallery

        ports = self.ports
        return Gallery(ports.gallery_rows, ports.rendition_rows, self.page_cache, ports.staleness)

    @made_once
    def page_cache(self) -> "PageCache":
        from chalicelib.services.page_cache import PageCache
        from chalicelib.services.read_through import FillPolicy

        ports = self.ports
        policy = self._fill_policy or FillPolicy(item_bytes=self.config.node_item_bytes)
        return PageCache(ports.shown_maps, ports.caches, self.clock, policy)

    @made_once
    def image_details(self) -> "ImageDetails":
        from chalicelib.services.image_details import ImageDetails

        return ImageDetails(self.ports.detail_rows, self.ports.job_rows, self.ports.queue)

    @made_once
    def rendering(self) -> "Rendering":
        from chalicelib.services.edit_notices import Subscribers
        from chalicelib.services.rendering import Rendering

        ports = self.ports
        return Rendering(
            ports.render_rows,
            ports.image_rows,
            ports.job_rows,
            ports.objects,
            ports.renderer,
            self.sending,
            subscribers=Subscribers(ports.settings) if ports.notices is not None else None,
            labels=ports.labels is not None,
        )

    @made_once
    def labelling(self) -> "Labelling":
        from chalicelib.services.labelling import Labelling

        ports = self.ports
        return Labelling(ports.render_rows, ports.objects, ports.renderer, ports.labels)

    @made_once
    def telling_owners(self) -> "TellingOwners":
        from chalicelib.services.edit_notices import TellingOwners

        return TellingOwners(self.ports.notices, self.ports.job_rows, self.config.site_address)

    @made_once
    def notice_switch(self) -> "NoticeSwitch":
        from chalicelib.services.edit_notices import NoticeSwitch

        return NoticeSwitch(self.ports.notices, self.accounts, self.ports.settings)

    @made_once
    def trash(self) -> "Trash":
        from chalicelib.services.trash import Trash

        return Trash(self.ports.trash_rows, self.images, self.sending, self.clock)

    @made_once
    def many(self) -> "Many":
        from chalicelib.services.many import Many

        return Many(self.ports.many_rows, self.sending)

    @made_once
    def downloads(self) -> "Downloads":
        from chalicelib.services.downloads import Downloads

        return Downloads(self.ports.download_rows, self.ports.objects, self.sending)

    @made_once
    def zip_making(self) -> "ZipMaking":
        from chalicelib.services.zip_making import ZipMaking

        ports = self.ports
        return ZipMaking(ports.download_rows, ports.parted_objects, ports.objects, self.sending, ports.clock)

    @made_once
    def worker(self) -> "Worker":
        from chalicelib.domain import jobs
        from chalicelib.services.worker import Worker

        performers: dict[str, Callable[[Job], None]] = {
            jobs.RENDER: lambda job: self.rendering.perform(job),
            jobs.EDIT_NOTICE: lambda job: self.telling_owners.perform(job),
            jobs.LABEL: lambda job: self.labelling.perform(job),
            jobs.MAKE_DUMP: lambda job: self.dump_making.perform(job),
            jobs.MAKE_DOWNLOAD: lambda job: self.zip_making.perform(job),
            jobs.ERASE_ACCOUNT: lambda job: self.erasing.perform(job),
            jobs.REMOVE_DATA: lambda job: self.data_removal.perform(job),
            jobs.INDEX_IMAGES: lambda job: self.indexing.perform(job),
            jobs.ACCOUNT_MAIL: lambda job: self.account_mails.perform(job),
        }
        ports = self.ports
        return Worker(ports.job_rows, ports.objects, ports.maps, ports.caches, ports.queue, performers)

    @made_once
    def fleet(self) -> "FleetStatus":
        from chalicelib.services.fleet_status import FleetStatus

        return FleetStatus(self.ports.shown_maps, self.ports.caches, self.clock)

    @made_once
    def cache_configuration(self) -> "CacheConfiguration":
        from chalicelib.domain.cache_settings import CacheSettings
        from chalicelib.services.cache_configuration import CacheConfiguration

        defaults = CacheSettings(num_nodes=self.config.fleet_nodes, mode=self.config.fleet_mode)
        ports = self.ports
        return CacheConfiguration(ports.settings, ports.shown_settings, ports.decisions, ports.clock, defaults)

    @made_once
    def console(self) -> "FleetConsole":
        from chalicelib.services.fleet_console import FleetConsole
        from chalicelib.services.node_contents import NodeContents

        ports = self.ports
        return FleetConsole(
            maps=ports.shown_maps,
            status=self.fleet,
            configuration=self.cache_configuration,
            decision_rows=ports.decisions,
            reports=ports.reports,
            waker=ports.waker,
            admins=ports.admins,
            contained=NodeContents(ports.shown_maps, ports.admins, ports.image_rows),
            clock=ports.clock,
        )

    @made_once
    def accounts(self) -> "Accounts":
        from chalicelib.services.accounts import Accounts

        ports = self.ports
        return Accounts(
            rows=ports.account_rows,
            passwords=ports.passwords,
            sending=self.sending,
            clock=ports.clock,
            settings=ports.settings,
            built_in_owner=self.config.signed_in_as,
        )

    @made_once
    def account_mails(self) -> "AccountMails":
        from chalicelib.services.account_mails import AccountMails

        return AccountMails(self.ports.account_rows, self.ports.mail, self.ports.job_rows)

    @made_once
    def readiness(self) -> "Asking":
        from chalicelib.services.readiness import Asking

        return Asking(self.ports.probes, self.clock.monotonic)

    @made_once
    def sending(self) -> "Sending":
        from chalicelib.services.sending import Sending

        return Sending(self.ports.job_rows, self.ports.queue)

    @made_once
    def admin(self) -> "Admin":
        from chalicelib.services.admin import Admin
        from chalicelib.services.uploads_state import KeptUploadsState

        uploads_state = KeptUploadsState(self.ports.shown_settings, self.clock.monotonic)
        return Admin(self.ports.admin_rows, self.account_mails, uploads_state)

    @made_once
    def dumps(self) -> "Dumps":
        from chalicelib.services.dumps import Dumps

        ports, environment = self.ports, self.config.environment
        return Dumps(
            ports.dump_rows,
            ports.admin_rows,
            self.accounts,
            ports.objects,
            self.sending,
            environment,
        )

    @made_once
    def dump_making(self) -> "DumpMaking":
        from chalicelib.services.dump_making import DumpMaking

        ports, environment = self.ports, self.config.environment
        return DumpMaking(ports.dump_rows, ports.parted_objects, self.sending, self.clock, environment)

    @made_once
    def data_removal(self) -> "DataRemoval":
        from chalicelib.services.data_removal import DataRemoval

        rows, admin_rows = self.ports.removal_rows, self.ports.admin_rows
        environment = self.config.environment
        return DataRemoval(rows, admin_rows, self.sending, self.clock, environment, self._end_notices)

    @made_once
    def erasing(self) -> "Erasing":
        from chalicelib.services.erasing import Erasing

        ports = self.ports
        return Erasing(
            rows=ports.erasure_rows,
            accounts=self.accounts,
            mail=ports.mail,
            objects=ports.erased_objects,
            maps=ports.maps,
            nodes=ports.admins,
            sending=self.sending,
            clock=ports.clock,
            grace_days=self.config.erase_grace_days,
            end_notices=self._end_notices,
        )

    def _end_notices(self, owner_id: bytes) -> None:
        self.notice_switch.end_of(owner_id)  # made, and imported, when somebody's are to end

    @made_once
    def sweep_override(self) -> "SweepOverride":
        from chalicelib.services.sweep_override import SweepOverride

        return SweepOverride(self.ports.sweep_rows, self.ports.admin_rows, self.accounts)

    @made_once
    def sweeping(self) -> "Sweeping":
        from chalicelib.services.sweep_acts import SweepActing
        from chalicelib.services.sweeping import Sweeping

        ports = self.ports
        acting = SweepActing(ports.sweep_rows, ports.sweep_acts, ports.image_rows, ports.swept_objects, self.sending)
        return Sweeping(ports.sweep_rows, acting, ports.upload_rows, ports.exclusive, ports.clock)
