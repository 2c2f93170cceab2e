"""An account to make environments in: the stand-ins for AWS, two MariaDBs, subnets, and a launch template whose
instances become nodes. All of it is the operator's own; environments are made beside it.

    python -m tests.operator.stand_in FOLDER

Ready once FOLDER/account.json is there; ends on SIGTERM.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from ops.local import bootstrap, mariadb, processes
from ops.local.state import StateFolder, generated_secrets, write_whole
from tests.contract.real_parts import MariaDb, state_folder
from tests.deployed.deployment import emulator
from tests.local_cloud import PROJECT, LocalCloud

START_SECONDS = 180
_PARTS = frozenset({"mariadb", "moto", "nodes"})


@dataclass(frozen=True, slots=True)
class StandIn:
    """What the operator's own parts are."""

    environ: dict[str, str]  # of the operator's command
    parameters: dict[str, str]  # of the templates
    settings: dict[str, str]  # of the application
    other_database: dict[str, str]  # the parameters of a second one, and where its operator reaches it

    def elsewhere(self) -> "StandIn":
        """The same account, for an environment on the second database."""
        given = dict(self.other_database)
        url = given.pop("OPERATOR_DATABASE_URL")
        return replace(
            self, environ={**self.environ, "OPERATOR_DATABASE_URL": url}, parameters={**self.parameters, **given}
        )

    def words(self) -> list[str]:
        """As create-env takes them."""
        given = [f"--parameter={name}={value}" for name, value in self.parameters.items()]
        return [*given, *(f"--setting={name}={value}" for name, value in self.settings.items())]


class StandInProcess:
    """Start it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "stand-in.log"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", __spec__.name, str(folder)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> StandIn:
        """Waits. Raises AssertionError, with what was said, if it does not start."""
        deadline = time.monotonic() + START_SECONDS
        while not (self.folder / "account.json").exists():
            assert self._process.poll() is None, self._log.read_text()[-4000:]
            assert time.monotonic() < deadline, self._log.read_text()[-4000:]
            time.sleep(0.05)
        return StandIn(**json.loads((self.folder / "account.json").read_text(encoding="utf-8")))

    def stop(self) -> None:
        """Asserts that it ended well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(120) == 0, self._log.read_text()[-4000:]


def main(folder: Path) -> int:
    """Until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cloud_state, emulator_state = (
        StateFolder((folder / "cloud").resolve()),
        StateFolder((folder / "emulator").resolve()),
    )
    cloud = LocalCloud(cloud_state.root, parts=_PARTS)
    with ExitStack() as ends:
        server, endpoint, _ = emulator(
            emulator_state, judges=False
        )  # a bucket's policy asks for TLS, which there is none of here
        ends.callback(processes.kill_marked, emulator_state.root)
        server.start()
        ends.callback(cloud.stop)
        cloud.start()
        second = MariaDb(state_folder((folder / "second").resolve()))
        ends.callback(second.server.kill)
        write_whole(folder / "account.json", json.dumps(asdict(_account(cloud, endpoint, second))))
        while True:
            signal.pause()


def _account(cloud: LocalCloud, endpoint: str, second: MariaDb) -> StandIn:
    known = cloud.environ
    secret_arn = _secret(endpoint, "the-operators-own", known["DATABASE_USER"], known["DATABASE_PASSWORD"])
    ec2 = bootstrap.client("ec2", known["AWS_ENDPOINT_URL_EC2"])
    (template,) = ec2.describe_launch_templates(LaunchTemplateNames=[known["NODE_LAUNCH_TEMPLATE"]])["LaunchTemplates"]
    (subnet,) = ec2.describe_subnets(SubnetIds=known["NODE_SUBNETS"].split(",")[:1])["Subnets"]
    host, port = known["DATABASE_HOST"], known["DATABASE_PORT"]
    return StandIn(
        environ={
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_EC2": known["AWS_ENDPOINT_URL_EC2"],
            "AWS_ACCESS_KEY_ID": bootstrap.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": bootstrap.SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": bootstrap.REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "OPERATOR_DATABASE_URL": _url(generated_secrets(cloud.state), port),
        },
        parameters={
            "ExistingVpcId": subnet["VpcId"],
            "ExistingPrivateSubnetIds": known["NODE_SUBNETS"],
            "ExistingDatabaseHost": host,
            "ExistingDatabasePort": port,
            "ExistingDatabaseSecretArn": secret_arn,
            "ExistingNodeLaunchTemplateName": known["NODE_LAUNCH_TEMPLATE"],
            "ExistingNodeLaunchTemplateId": template["LaunchTemplateId"],
            "MailSender": known["MAIL_SENDER"].replace("localhost", "example.org"),
        },
        settings={
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_EC2": known["AWS_ENDPOINT_URL_EC2"],
            "DATABASE_TLS": "off",
            "DATABASE_CA_FILE": "",
            "NODE_PORT": known["NODE_PORT"],
            "CACHE_TIMEOUT_MS": "2000",
            "SIGNED_IN_AS": "demo",
            "OPEN_TO": "everything",
        },
        other_database={
            "ExistingDatabasePort": str(second.port),
            "ExistingDatabaseSecretArn": _secret(
                endpoint,
                "the-operators-second",
                mariadb.APPLICATION_USER,
                second.secrets["application_password"],
            ),
            "OPERATOR_DATABASE_URL": _url(second.secrets, str(second.port)),
        },
    )


def _secret(endpoint: str, name: str, user: str, password: str) -> str:
    """The ARN of a secret that tells how the application signs in."""
    text = json.dumps({"username": user, "password": password})
    return str(bootstrap.client("secretsmanager", endpoint).create_secret(Name=name, SecretString=text)["ARN"])


def _url(secrets: Mapping[str, str], port: str) -> str:
    """Where the operator reaches a database."""
    password = quote(secrets["migrations_password"], safe="")
    return f"mysql://{mariadb.MIGRATIONS_USER}:{password}@127.0.0.1:{port}/{mariadb.DATABASE}?tls=off"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
