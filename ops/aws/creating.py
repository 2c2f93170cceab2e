"""From nothing to an environment that serves: the steps in their order, each of which may be done again."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ops.aws.errors import OperatorError, UsageError
from ops.aws.templates import APP, CDN, DATA, NETWORK, PARTS, ROTATION, parameters_for, template_of


class Step(StrEnum):
    """In the order in which they are taken."""

    NETWORK = "network"
    DATA = "data"
    ARTEFACT = "artefact"
    APP = "app"
    TABLES = "tables"
    FUNCTIONS = "functions"
    CDN = "cdn"
    BEHIND_CDN = "functions behind the cdn"  # which know the site's address, and sign addresses of images at it
    SITE = "site"
    ROTATION = "rotation"
    SMOKE = "smoke test"


@dataclass
class Known:
    """What is known of the environment so far: what was given, and what the stacks told, by the parameters' names."""

    given: Mapping[str, str]
    told: dict[str, str] = field(default_factory=dict)
    api_id: str = ""
    address: str = ""

    def parameters(self, part: str) -> dict[str, str]:
        """For the part's template. What was given is stronger than what stacks told."""
        return parameters_for(part, {**self.told, **self.given})


class Acts(Protocol):
    """What the steps do. Each may be repeated after it was interrupted anywhere."""

    def stack(self, part: str, parameters: Mapping[str, str]) -> dict[str, str]: ...
    def artefact(self, bucket: str) -> dict[str, str]: ...
    def tables(self, told: Mapping[str, str]) -> None: ...
    def functions(self, told: Mapping[str, str]) -> tuple[str, str]: ...
    def cdn(self, told: Mapping[str, str], parameters: Mapping[str, str], api_id: str) -> dict[str, str]: ...
    def smoke(self, address: str) -> None: ...


def steps_to_create(given: Mapping[str, str], *, cdn: bool = False) -> tuple[Step, ...]:
    """Without those that an operator's own parts make needless, and with a CDN only where one is wanted. Pure."""
    own_database, own_nodes = bool(given.get("ExistingDatabaseHost")), bool(given.get("ExistingNodeLaunchTemplateName"))
    without_cdn = () if cdn else (Step.CDN, Step.BEHIND_CDN)
    left_out = {*without_cdn, *((Step.ROTATION,) if own_database else ()), *((Step.ARTEFACT,) if own_nodes else ())}
    return tuple(step for step in Step if step not in left_out)


def check_parameters(given: Mapping[str, str]) -> None:
    """Raises UsageError for one that no template knows."""
    known = {name for part in PARTS for name in template_of(part)["Parameters"]} - {"Environment"}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise UsageError(
            f"No template has the parameter {', '.join(unknown)}.", next_="`./ops/store parameters` lists them"
        )


def check_cdn(given: Mapping[str, str], cdn: bool, region: str) -> None:
    """Raises UsageError for a name that would be refused by the CDN's stack, when all else was made."""
    only_there = {"SiteName", "CertificateArn", "HostedZoneId", "PriceClass"} & given.keys()
    if only_there and not cdn:
        raise UsageError(f"{', '.join(sorted(only_there))} is of use with a CDN only.", next_="the same with --cdn")
    if given.get("SiteName") and not given.get("CertificateArn"):
        if not given.get("HostedZoneId"):
            raise UsageError("A name takes a certificate.", next_="give CertificateArn, or HostedZoneId for a new one")
        if region != "us-east-1":
            raise UsageError(
                f"CloudFront looks for certificates in us-east-1, so none can be made along in {region}.",
                next_="make one in us-east-1 and give it as CertificateArn",
            )


def take(step: Step, known: Known, acts: Acts) -> None:
    """One step. Raises OperatorError, StageError."""
    match step:
        case Step.NETWORK | Step.DATA | Step.APP | Step.ROTATION:
            part = {Step.NETWORK: NETWORK, Step.DATA: DATA, Step.APP: APP, Step.ROTATION: ROTATION}[step]
            known.told.update(acts.stack(part, known.parameters(part)))
        case Step.ARTEFACT:
            known.told.update(acts.artefact(known.told["BucketName"]))
        case Step.TABLES:
            acts.tables(known.told)
        case Step.CDN:
            known.told.update(acts.cdn(known.told, known.parameters(CDN), known.api_id))
        case Step.FUNCTIONS | Step.BEHIND_CDN:
            known.api_id, known.address = acts.functions(known.told)
        case Step.SITE:
            known_now = known.parameters(DATA)  # the CDN's distribution too, if there is one
            origin = "/".join((known.told.get("SiteAddress") or known.address).split("/")[:3])
            known.told.update(acts.stack(DATA, {"SiteOrigins": origin, **known_now}))
        case Step.SMOKE:
            acts.smoke(known.address)


def create(steps: Iterable[Step], known: Known, acts: Acts, say: Callable[[str], None]) -> None:
    """All of them; interrupted, the same again finishes."""
    planned = tuple(steps)
    for number, step in enumerate(planned, 1):
        say(f"step {number} of {len(planned)}: {step}")
        take(step, known, acts)


def answers_health(address: str, say: Callable[[str], None], wait: Callable[[], bool]) -> None:
    """Asks the deployed application how it is, until `wait` says that it was long enough. Raises OperatorError."""
    said = ""
    while True:
        try:
            with urllib.request.urlopen(f"{address}healthz", timeout=29) as response:  # noqa: S310  # ours, http or https
                if response.status == 200:
                    say(f"{address}healthz answers 200")
                    return
                said = f"It answered {response.status}."
        except urllib.error.HTTPError as error:
            said = f"It answered {error.code}: {error.read(300).decode(errors='replace')}"
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            said = f"It did not answer: {error}"
        if not wait():
            raise OperatorError(f"{address}healthz is not healthy.", said, "`./ops/store logs NAME` tells why")
