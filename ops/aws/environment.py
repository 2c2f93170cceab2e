"""One environment on AWS: its stacks, its records, its functions, wired for the commands."""

import functools
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from chalicelib.web.cdn import token_of
from ops.aws import tables
from ops.aws.account import Account
from ops.aws.artefact import node_artefact
from ops.aws.creating import answers_health
from ops.aws.deploy_state import CHOICES, DEPLOYED, RELEASES, Records, api_id_of
from ops.aws.errors import OperatorError
from ops.aws.functions import Functions
from ops.aws.release_packages import ReleasePackages, release_of
from ops.aws.releases import Release, Releases, as_document, from_document
from ops.aws.smoke import keeps_an_image
from ops.aws.smoke_account import smoke_token
from ops.aws.stack_calls import Stacks
from ops.aws.stage import Choices
from ops.aws.telling import Telling
from ops.aws.templates import APP, CDN, DATA, NETWORK, PROJECT
from ops.database import Database

SMOKE_SECONDS = 90


class Environment:
    """The acts that commands are made of (ops.aws.creating.Acts)."""

    def __init__(self, account: Account, name: str, telling: Telling, project: Path = PROJECT) -> None:
        self.account, self.name, self._say, self._project = account, name, telling.progress, project
        self.stacks = Stacks(account.client("cloudformation"), name, telling.progress, account.poll_seconds)
        self.chosen: dict[str, object] = {}  # of this command; it goes into what was chosen before

    def told(self) -> dict[str, str]:
        """The outputs of all its stacks that are there."""
        return {name: value for part in (NETWORK, DATA, APP, CDN) for name, value in self.stacks.outputs(part).items()}

    def given_before(self) -> dict[str, str]:
        """The parameters that its stacks were given."""
        return {
            name: value
            for part in (NETWORK, DATA, APP)
            for name, value in self.stacks.parameters(part).items()
            if name != "Environment"
        }

    def records(self, told: Mapping[str, str]) -> Records:
        """Raises OperatorError if the environment has no bucket."""
        if not told.get("BucketName"):
            raise OperatorError(
                f"There is no environment “{self.name}” in {self.account.region}.",
                next_=f"`./ops/store create-env {self.name}`, or another --region",
            )
        return Records(self.account.client("s3"), told["BucketName"])

    def functions_of(self, told: Mapping[str, str]) -> Functions:
        return Functions(self.account, self.name, self.records(told), self._say, self._project)

    def release(self) -> Release:
        """What this code is."""
        return release_of(self._project)

    def releases(self, told: Mapping[str, str]) -> Releases:
        """Which the environment has run, and how far an upgrade is."""
        return from_document(self.records(told).read(RELEASES)[0])

    def change_releases(self, told: Mapping[str, str], change: Callable[[Releases], Releases]) -> Releases:
        """The releases after the change. Raises OperatorError if somebody else changes them now."""
        records = self.records(told)
        found, etag = records.read(RELEASES)
        before = from_document(found)
        after = change(before)
        if after != before and not records.write(RELEASES, as_document(after), etag):
            raise OperatorError("Somebody else deploys this environment now.", next_="the same command again")
        return after

    def packages(self, told: Mapping[str, str]) -> ReleasePackages:
        return ReleasePackages(self.account.client("s3"), told["BucketName"])

    def database(self, told: Mapping[str, str]) -> Database:
        """As the operator, who may change its tables. Raises OperatorError."""
        return tables.operators_database(self.account.client("secretsmanager"), told, tables.environ())

    def address(self, told: Mapping[str, str]) -> str:
        """Of its API; empty before anything was deployed."""
        api_id = api_id_of(self.records(told).read(DEPLOYED)[0])
        return self.account.api_address(api_id, self.name) if api_id else ""

    def choices(self, told: Mapping[str, str]) -> Choices:
        """What was chosen for the functions, now or when it was last deployed; sizes are those of its stack."""
        records = self.records(told)
        before, etag = records.read(CHOICES)
        now = {**(before or {}), **{name: value for name, value in self.chosen.items() if name != "settings"}}
        now["settings"] = {**(before or {}).get("settings", {}), **dict(self.chosen.get("settings", {}))}  # type: ignore[call-overload]
        if now != before and not records.write(CHOICES, now, etag):
            raise OperatorError("Somebody else chooses for this environment now.", next_="the same command again")
        given = self.stacks.parameters(APP)
        return Choices(
            self.name,
            account_id=self.account.id,
            region=self.account.region,
            partition=self.account.partition,
            size=given.get("Size", "tiny"),
            architecture=str(now.get("architecture") or given.get("NodeArchitecture", "arm64")),
            site_address=str(now.get("site_address") or told.get("SiteAddress", "")),
            traces=bool(now.get("traces", False)),
            reserves=bool(now.get("reserves", True)),
            settings={name: str(value) for name, value in now["settings"].items()},
        )

    # The acts of creating, in the order of its steps.

    def stack(self, part: str, parameters: Mapping[str, str]) -> dict[str, str]:
        return self.stacks.ensure(part, parameters)

    def artefact(self, bucket: str) -> dict[str, str]:
        made = node_artefact(self._project, self.name)
        s3 = self.account.client("s3")
        try:
            s3.put_object(Bucket=bucket, Key=made.key, Body=made.data, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "412"}:
                raise
        return made.parameters

    def tables(self, told: Mapping[str, str]) -> None:
        """What contracts waits for `upgrade --contract`, unless nothing was ever deployed that it could break."""
        here, releases = self.release(), self.releases(told)
        _refuse_under_way(releases)
        is_new = self.records(told).read(DEPLOYED)[0] is None
        waiting = set() if is_new else set(here.contracts)
        bears = [one for one in here.migrations if one not in here.contracts]
        releases = self.change_releases(told, lambda found: found.bearing(bears))
        self.bring_up(told, but=waiting, borne=releases.borne)

    def bring_up(self, told: Mapping[str, str], *, but: Collection[str], borne: Collection[str]) -> list[str]:
        """The tables up to this code; the ids applied."""
        operators = self.database(told)
        application = tables.applications_database(self.account.client("secretsmanager"), told, operators)
        return tables.bring_up(operators, application, self._say, but=but, borne=borne)

    def deploy_functions(self, told: Mapping[str, str], release: Release) -> str:
        """The API's id. The package is kept."""
        keep = functools.partial(self.packages(told).keep, release.name)
        return self.functions_of(told).deploy(told, self.choices(told), keep)

    def functions(self, told: Mapping[str, str]) -> tuple[str, str]:
        release = self.release()
        api_id = self.deploy_functions(told, release)
        releases = self.change_releases(told, lambda found: found.switched(release, time.time()))
        self.packages(told).forget_all_but(releases.kept())
        return api_id, self.account.api_address(api_id, self.name)

    def cdn(self, told: Mapping[str, str], parameters: Mapping[str, str], api_id: str) -> dict[str, str]:
        """Its stack, with a key of its own making for addresses of images unless the stack has one."""
        if api_id == "":
            raise OperatorError("The API is not there yet.", next_=f"`./ops/store create-env {self.name}`")
        secret = self.account.client("secretsmanager").get_secret_value(SecretId=told["FormSecretArn"])
        made = {
            "ApiDomainName": self.account.api_domain_name(api_id),
            "OriginToken": token_of(secret["SecretString"]),
        }
        if not self.stacks.parameters(CDN).get("ImageSigningPublicKey"):
            from ops.aws.signing_key import new_signing_key

            made["ImageSigningPublicKey"], made["ImageSigningKey"] = new_signing_key()
        return self.stacks.ensure(CDN, {**made, **parameters})

    def smoke(self, address: str) -> None:
        deadline = time.monotonic() + SMOKE_SECONDS

        def wait() -> bool:
            time.sleep(self.account.poll_seconds)
            return time.monotonic() < deadline

        answers_health(address, self._say, wait)

    def keeps_an_image(self, told: Mapping[str, str], seconds: float) -> None:
        """Raises OperatorError if what is deployed does not pass the smoke test in so many seconds."""
        deadline, address = time.monotonic() + seconds, self.address(told)

        def wait() -> bool:
            time.sleep(self.account.poll_seconds)
            return time.monotonic() < deadline

        with smoke_token(self.database(told)) as token:
            keeps_an_image(address, token, self._say, wait)


def _refuse_under_way(releases: Releases) -> None:
    if releases.under_way is not None:
        raise OperatorError(
            f"An upgrade to {releases.under_way.to.name} is under way.", next_="`upgrade`, or `upgrade --back`"
        )
