"""The application deployed by `chalice deploy`, and everything that it needs: started in a process of its own.

    python -m tests.deployed.deployment FOLDER

ministack with its gaps mended stands in for Lambda, API Gateway, EventBridge, S3 and SQS; MariaDB, EC2 and the nodes
are those of a local cloud without its HTTP server and event pump. Ready once FOLDER/deployed.json is there; ends on
SIGTERM.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ops.aws import stage_files
from ops.aws.stage import Choices
from ops.local import bootstrap, ministack, processes
from ops.local.parts import base_environ
from ops.local.ports import free_port
from ops.local.state import StateFolder, prepare, write_whole
from tests.contract.real_parts import Server
from tests.deployed.lambda_runtime import make_runtime
from tests.deployed.project_copy import PROJECT, copy_project
from tests.local_cloud import LocalCloud

STAGE = "deployed"
DEPLOY_SECONDS = 240
# Of Lambda's own making: a function cannot be given these.
_RESERVED = ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# What the functions are told by secrets instead.
_SECRET = ("DATABASE_USER", "DATABASE_PASSWORD", "SECRET_KEY")
_FOUNDATIONS = frozenset({"mariadb", "moto", "nodes"})


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where the deployed application is, and what its functions were given."""

    address: str  # http://127.0.0.1:PORT/_aws/execute-api/ID/STAGE/
    environ: dict[str, str]
    seconds: dict[str, float]  # what each step took
    functions: list[str]


class Deployment:
    """A deployment under way in a process of its own. Start it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "deployment.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Deployment":
        """Does not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", __spec__.name, str(self.folder)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def ready(self) -> Deployed:
        """Waits until it is deployed. Raises AssertionError, with what was said, if that fails."""
        assert self._process is not None
        deadline = time.monotonic() + DEPLOY_SECONDS
        while not _answer(self.folder).exists():
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, self._said()
            time.sleep(0.05)
        return Deployed(**json.loads(_answer(self.folder).read_text(encoding="utf-8")))

    def stop(self) -> None:
        """Ends it; asserts that no process is left."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(120)
        left = [one for state in _states(self.folder) for one in processes.marked(state.root)]
        assert left == []
        assert status == 0, self._said()

    def log(self, part: str) -> str:
        """What a part wrote, for the message of a failed assertion."""
        return "\n".join(
            state.log(part).read_text(errors="replace")[-8000:]
            for state in _states(self.folder)
            if state.log(part).exists()
        )

    def _said(self) -> str:
        return f"Not deployed; it said: {self._log.read_text(errors='replace')[-4000:]}"


def _answer(folder: Path) -> Path:
    return folder / "deployed.json"


def _states(folder: Path) -> tuple[StateFolder, StateFolder]:
    return StateFolder((folder / "cloud").resolve()), StateFolder((folder / "emulator").resolve())


def _emulator(state: StateFolder) -> tuple[Server, str, list[str]]:
    """The mended ministack, its address and, once it was started, the URLs of the job queue and the fleet queue."""
    prepare(state)
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    queue_urls: list[str] = []

    def make_storage() -> None:
        bootstrap.make_bucket(endpoint)
        queue_urls.extend(bootstrap.make_queues(endpoint))
        bootstrap.open_to_browsers(endpoint, [endpoint])

    part = ministack.part(state, port, PROJECT / ".venvs", base_environ(state, os.environ), make_storage)
    python = str(PROJECT / ".venvs" / "ministack" / "bin" / "python")
    script, functions_python = str(Path(__file__).with_name("emulator.py")), str(make_runtime(state.root / "runtime"))
    mended = dataclasses.replace(
        part,
        command=(python, script, functions_python),
        environ={**part.environ, "AUTH": "true"},  # signatures are checked, and what a function's role allows
    )
    return Server(mended, state), endpoint, queue_urls


def write_stage(copy: Path, environ: Mapping[str, str]) -> None:
    """Gives the copy a stage as an operator's is made, on what there is here: no wildcard, and secrets kept as such."""
    endpoint, region, account = environ["AWS_ENDPOINT_URL"], bootstrap.REGION, ministack.ACCOUNT_ID
    sign_in = json.dumps({"username": environ["DATABASE_USER"], "password": environ["DATABASE_PASSWORD"]})
    outputs = {
        "BucketName": environ["BUCKET"],
        "BucketArn": f"arn:aws:s3:::{environ['BUCKET']}",
        "JobQueueUrl": environ["JOB_QUEUE_URL"],
        "JobQueueArn": f"arn:aws:sqs:{region}:{account}:{bootstrap.JOB_QUEUE}",
        "FleetQueueUrl": environ["FLEET_QUEUE_URL"],
        "FleetQueueArn": f"arn:aws:sqs:{region}:{account}:{bootstrap.FLEET_QUEUE}",
        "IncomingQueueArn": f"arn:aws:sqs:{region}:{account}:{bootstrap.INCOMING_QUEUE}",
        "DatabaseHost": environ["DATABASE_HOST"],
        "DatabasePort": environ["DATABASE_PORT"],
        "DatabaseSecretArn": _secret_arn(endpoint, "database-application", sign_in),
        "FormSecretArn": _secret_arn(endpoint, "forms", environ["SECRET_KEY"]),
        "PrivateSubnetIds": environ["NODE_SUBNETS"],
        "NodeLaunchTemplateName": environ["NODE_LAUNCH_TEMPLATE"],
        "NodeLaunchTemplateId": "lt-0a1b2c3d",  # EC2's stand-in asks nobody who they are
        **{f"{of}SecurityGroupId": f"sg-0a1b2c3{number}" for number, of in enumerate(("App", "Scaler", "Node"))},
        "MailSender": environ["MAIL_SENDER"],
    }
    mine = {name: value for name, value in environ.items() if name not in (*_RESERVED, *_SECRET)}
    settings = {**mine, "QUEUE_PREFIX": "", "DATABASE_CA_FILE": ""}
    choices = Choices(STAGE, account_id=account, region=region, architecture="x86", settings=settings)
    stage_files.write_stage(copy, outputs, choices)


def _secret_arn(endpoint: str, name: str, text: str) -> str:
    """Of the secret, made if there is none of the name."""
    secrets = bootstrap.client("secretsmanager", endpoint)
    try:
        return str(secrets.create_secret(Name=f"elastic-images/{STAGE}/{name}", SecretString=text)["ARN"])
    except secrets.exceptions.ResourceExistsException:
        return str(secrets.describe_secret(SecretId=f"elastic-images/{STAGE}/{name}")["ARN"])


def deploy(copy: Path, endpoint: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """`chalice deploy` into the emulator; the id of the REST API and the names of the functions."""
    write_stage(copy, environ)
    done = subprocess.run(
        [sys.executable, "-m", "tests.deployed.chalice_command", "deploy", "--stage", STAGE],
        cwd=copy,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PYTHONDONTWRITEBYTECODE": "1",  # importing app.py must not add to what is packaged
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": bootstrap.REGION,
            "AWS_ACCESS_KEY_ID": bootstrap.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": bootstrap.SECRET_ACCESS_KEY,
        },
        capture_output=True,
        text=True,
        timeout=DEPLOY_SECONDS,
        check=False,
    )
    output = done.stdout + done.stderr
    print(output, flush=True)
    # Chalice says so and still exits 0.
    if done.returncode != 0 or "Could not install dependencies" in output:
        raise RuntimeError("chalice deploy failed")
    resources = json.loads((copy / ".chalice" / "deployed" / f"{STAGE}.json").read_text())["resources"]
    (api_id,) = [one["rest_api_id"] for one in resources if one["resource_type"] == "rest_api"]
    return api_id, [one["name"] for one in resources if one["resource_type"] == "lambda_function"]


def main(folder: Path) -> int:
    """Until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    moments = [("", time.monotonic())]

    def took(step: str) -> None:
        moments.append((step, time.monotonic()))

    cloud_state, emulator_state = _states(folder)
    cloud = LocalCloud(cloud_state.root, parts=_FOUNDATIONS, extra_environ={"CACHE_TIMEOUT_MS": "2000"})
    with ExitStack() as ends:
        server, endpoint, queue_urls = _emulator(emulator_state)
        ends.callback(processes.kill_marked, emulator_state.root)
        server.start()
        took("emulator")
        ends.callback(cloud.stop)
        cloud.start()
        took("cloud")
        job_queue_url, fleet_queue_url = queue_urls
        queues = {"JOB_QUEUE_URL": job_queue_url, "FLEET_QUEUE_URL": fleet_queue_url}
        environ = {**cloud.environ, "AWS_ENDPOINT_URL": endpoint, **queues}
        api_id, functions = deploy(copy_project(folder / "project"), endpoint, environ)
        took("chalice deploy")
        seconds = {step: round(after - before, 1) for (_, before), (step, after) in pairwise(moments)}
        address = f"{endpoint}/_aws/execute-api/{api_id}/{STAGE}/"
        deployed = Deployed(address, environ, seconds, functions)
        write_whole(_answer(folder), json.dumps(dataclasses.asdict(deployed)))
        print(f"Deployed: {address} {seconds}", flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
