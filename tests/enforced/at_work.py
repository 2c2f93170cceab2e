"""What each function does of all it may: its services on real objects, queues, topic, mail and secrets, rows on fakes.

Every function below takes a store whose caller has the function's policy, and goes through that function's work once.
What is there before (an image, a rendition, an archive) was made by somebody who may do everything.
"""

import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from chalicelib.adapters import aws_clients
from chalicelib.adapters.rekognition_labels import RekognitionLabels
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.adapters.secrets_manager import Secret
from chalicelib.adapters.ses_mail import SesMail
from chalicelib.adapters.sns_notices import SnsNotices
from chalicelib.adapters.sqs_queue import SqsQueue, SqsScalerWaker
from chalicelib.domain.accounts import Account as Person
from chalicelib.domain.accounts import Principal, Way, hash_of
from chalicelib.domain.stored_renditions import State
from chalicelib.domain.sweeping import Phase, quarantine_key
from chalicelib.domain.uploads import incoming_key_of
from chalicelib.services.admin import By
from chalicelib.services.images import no_precondition
from ops.local import bootstrap
from scaler.cloudwatch import CloudWatchSamples
from scaler.ec2 import Ec2Instances
from tests.enforced.judge import ENVIRONMENT, Account, Calls
from tests.fakes import MemoryParts, NullStopwatch
from tests.fakes.notices import FixedLabels
from tests.fakes.parts import memory_config

DAY = 24 * 3600.0
WATCH, DEMO = NullStopwatch(), Principal("demo")
PASSWORD, HERE, SITE = "correct horse battery", "192.0.2.1", "https://store.test"
_CLIENTS = ("s3", "sqs", "sns", "ses", "ec2", "cloudwatch", "rekognition", "secrets")
PIXELS = b"\x89PNG the inspector is a fake here"


class Either:
    """One of two, as `turned` says: the caller's, or that of who may do everything."""

    def __init__(self, callers: Any, everybodys: Any, turned: list[bool]) -> None:
        self._both, self._turned = (callers, everybodys), turned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._both[self._turned[-1]], name)


class Clients:
    """The caller's, whose calls go to whatever `calls` is then, and some of who may do everything."""

    def __init__(self, account: Account) -> None:
        self.calls = Calls()
        with account.as_caller():
            made = [getattr(aws_clients, name)() for name in _CLIENTS]
        for client in made:
            client.meta.events.register("after-call", lambda **what: self.calls.note(**what))
        self.s3, self.sqs, self.sns, self.ses, self.ec2, self.cloudwatch, self.rekognition, self.secrets = made
        self.rekognition.meta.events.register("before-send", _no_labels)
        self.everybodys_s3, self.everybodys_sns = account.admin("s3"), account.admin("sns")
        self.everybodys_sqs = account.admin("sqs")


class Store:
    """The services of one function, on the account; `calls` are the caller's."""

    def __init__(self, account: Account, clients: "Clients") -> None:
        self.account, self.clients, self._turned = account, clients, [False]
        self.calls = clients.calls = Calls()
        self.parts = parts = MemoryParts()
        self.objects: Any = self._either(
            S3Objects(clients.s3, bootstrap.BUCKET), S3Objects(clients.everybodys_s3, bootstrap.BUCKET)
        )
        topic, own = account.outputs["NoticeTopicArn"], secrets.token_hex(8)
        given: dict[str, Any] = {
            "queue": self._either(SqsQueue(clients.sqs, account.job_queue_url, lambda: own), parts.queue),
            "waker": SqsScalerWaker(clients.sqs, account.fleet_queue_url),
            "mail": self._either(SesMail(clients.ses, bootstrap.MAIL_SENDER), parts.mail),
            "notices": self._either(SnsNotices(clients.sns, topic), SnsNotices(clients.everybodys_sns, topic)),
            "labels": self._either(RekognitionLabels(clients.rekognition), FixedLabels()),
        }
        for name in ("objects", "incoming", "parted_objects", "swept_objects", "erased_objects"):
            given[name] = self.objects
        vars(parts).update(given)
        self.services = parts.services(config=memory_config(erase_grace_days=0))

    def _either(self, callers: object, everybodys: object) -> Either:
        return Either(callers, everybodys, self._turned)

    @contextmanager
    def by_somebody_else(self) -> Iterator[None]:
        """What happens meanwhile is not the function's doing."""
        self._turned.append(True)
        try:
            yield
        finally:
            self._turned.pop()

    def secret(self, of: str) -> None:
        """Reads one, as at a first query."""
        Secret(self.clients.secrets, self.account.outputs[of]).current()

    def put(self, key: bytes = b"k1", who: Principal = DEMO) -> str:
        """The object key of an image that is put."""
        return str(self.services.images.put(who, key, PIXELS + key, no_precondition, WATCH).image.object_key)

    def perform(self) -> None:
        """Jobs that are due are done, and those that they owe."""
        for _ in range(30):
            if not (due := self._due()):
                break
            for job_id in due:
                self.services.worker.perform(job_id)

    def _due(self) -> list[bytes]:
        return [job_id for job_id, row in self.parts.store.jobs.items() if row.due_at <= self.parts.clock.now()]

    def poll(self, queue_url: str) -> None:
        """As Lambda does with the function's own rights: takes a message and deletes it."""
        sqs = self.clients.sqs
        self.clients.everybodys_sqs.send_message(QueueUrl=queue_url, MessageBody="0" * 32)
        sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        for message in sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=0).get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def follow(self, address: str) -> None:
        """A browser follows an address that the function signed: what its signer may not do is refused."""
        self._asked(urllib.request.Request(address), "s3:GetObject")  # noqa: S310  # of our own endpoint

    def post(self, url: str, fields: dict[str, str], data: bytes) -> None:
        """A browser posts a form that the function signed."""
        limit = secrets.token_hex(16)
        lines = [f'--{limit}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
        body = "".join(lines).encode()
        body += f'--{limit}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
        body += data + f"\r\n--{limit}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={limit}"}
        self._asked(urllib.request.Request(url, body, headers), "s3:PostObject")  # noqa: S310  # as above

    def _asked(self, request: urllib.request.Request, what: str) -> None:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
                answer.read()
        except urllib.error.HTTPError as error:
            assert error.code == 403, error.read()
            self.calls.refused.append(what)

    def person(self) -> Principal:
        """Who has just joined and signed in."""
        email = f"{secrets.token_hex(8)}@example.org"
        account = Person(secrets.token_bytes(16), email, self.parts.passwords.hashed(PASSWORD), False, False)
        assert self.parts.account_rows.create(account)
        token = self.services.accounts.sign_in(email, PASSWORD, HERE, None).token
        return Principal(email, False, Way.SESSION, hash_of(token))


def _no_labels(request: Any, **_: Any) -> AWSResponse:
    """No stand-in here knows Rekognition; that it was asked is noted."""

    class Body:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield b'{"Labels": []}'

    return AWSResponse(request.url, 200, HTTPHeaders(), Body())


def api_handler(store: Store) -> None:
    """Puts, shows, takes uploads, signs addresses and forms, sends jobs and mail, wakes the scaler, subscribes."""
    services = store.services
    store.secret("DatabaseSecretArn")
    store.secret("FormSecretArn")
    store.secret("ImageSigningSecretArn")
    image = store.put()
    services.images.get(DEMO, b"k1", WATCH)
    store.follow(services.images.signed_address(services.images.find(DEMO, b"k1", WATCH)))
    with store.by_somebody_else():
        store.perform()
        person = store.person()
        by = By(person, HERE)
        dump = services.dumps.ask(by, PASSWORD)
        store.put(b"in a zip", person)
        download = services.downloads.export(person)
        store.perform()
        assert services.downloads.find(person, download.id).zips
        assert image
    services.renditions.get(DEMO, b"k1", "thumbnail", WATCH)
    store.follow(services.dumps.link(by, dump.id))
    store.follow(services.downloads.link(person, download.id, 1))
    begun = services.uploads.begin(DEMO, b"k2", "image/png", len(PIXELS))
    store.post(begun.form.url, dict(begun.form.fields), PIXELS)
    services.uploads.complete(DEMO, begun.upload.id)
    store.objects.check()
    store.parts.queue.check()  # type: ignore[attr-defined]
    store.parts.waker.wake()
    store.parts.mail.send("ada@example.org", "Hello", "Hello")
    services.notice_switch.turn_on(person)
    services.notice_switch.state(person)
    services.notice_switch.turn_off(person)


def perform_job(store: Store) -> None:
    """Renders, labels, dumps, packs, tells, removes what no row names from wherever it lies, and erases an account."""
    services, parts = store.services, store.parts
    store.poll(store.account.job_queue_url)
    store.secret("DatabaseSecretArn")
    with store.by_somebody_else():
        person = store.person()
        owner = services.accounts.of(person).owner_id.hex()
        services.notice_switch.turn_on(person)
        services.dumps.ask(By(person, HERE), PASSWORD)
        for key in (b"k1", b"k2"):
            store.put(key, person)
    store.perform()
    with store.by_somebody_else():
        services.renditions.edit(person, b"k1", "greyscale")
        services.downloads.export(person)
        upload = services.uploads.begin(person, b"k3", "image/png", len(PIXELS)).upload
        store.objects.put(upload.incoming_key, PIXELS, "image/png")
        services.uploads.arrived(upload.incoming_key)  # what came is removed by a job
    store.perform()
    assert all(one.state is State.READY for one in parts.store.renditions.values())
    for prefix in ("dumps", "downloads"):  # given up half-way
        upload_id = store.objects.begin_parts(f"{prefix}/given-up", "application/gzip")
        store.objects.drop_parts(f"{prefix}/given-up", upload_id)
        assert not store.objects.is_there(f"{prefix}/given-up")
    with store.by_somebody_else():
        services.images.delete(person, b"k2", no_precondition)
    store.perform()
    with store.by_somebody_else():
        parts.clock.advance(2 * DAY)  # dumps and downloads are removed then
    store.perform()
    store.objects.remove([quarantine_key("originals/of-a-sweep")])
    assert store.objects.get("originals/not-there") is None
    with store.by_somebody_else():
        # Removed once already: of a single version in a call the stand-in does not see that it is one.
        held = quarantine_key(f"originals/{owner}/{'1' * 32}")
        for object_key in (held, "downloads/a-zip"):
            store.objects.put(object_key, PIXELS, "image/png")
            store.objects.remove([object_key])
        token = services.accounts.sign_in(person.name, PASSWORD, HERE, None).token
        services.erasing.ask(Principal(person.name, False, Way.SESSION, hash_of(token)), PASSWORD, SITE)
    store.perform()
    store.objects.erase("downloads/a-zip", 10)  # an erasure's too, by rows that the fakes do not have


def ingest_images(store: Store) -> None:
    """Makes an image of what arrived; gives up its object where the page was quicker."""
    store.poll(store.account.incoming_queue_url)
    store.secret("DatabaseSecretArn")
    with store.by_somebody_else():
        upload = store.services.uploads.begin(DEMO, b"k1", "image/png", len(PIXELS)).upload
        store.objects.put(upload.incoming_key, PIXELS, "image/png")
    store.services.uploads.arrived(upload.incoming_key)
    store.services.uploads.arrived(upload.incoming_key)  # it came twice
    with store.by_somebody_else():
        gone = store.services.uploads.begin(DEMO, b"k2", "image/png", len(PIXELS)).upload
    store.services.uploads.arrived(gone.incoming_key)  # it is not there


def resend_jobs(store: Store) -> None:
    """Sends what was lost."""
    store.secret("DatabaseSecretArn")
    with store.by_somebody_else():
        store.put()
        store.parts.clock.advance(7200)
    assert store.services.worker.resend()


def sweep(store: Store) -> None:
    """Puts away what no row names, below each prefix, and brings back what is missing."""
    services, parts = store.services, store.parts
    store.secret("DatabaseSecretArn")
    with store.by_somebody_else():
        lost = store.put(b"lost")
        back = store.put(b"back")
        for number in range(3):
            store.put(b"k%d" % number)
        parts.clock.advance(7200)
        store.perform()
        (rendition,) = [
            one.object_key for place, one in parts.store.renditions.items() if place[1:] == (b"k0", "thumbnail")
        ]
        store.objects.remove([lost, rendition])
        nobodys = ["originals/" + "2" * 32 + "/" + "3" * 32, incoming_key_of(b"o" * 16, b"u" * 16)]
        nobodys.append(f"renditions/{'2' * 32}/{'3' * 32}/thumbnail")
        nobodys.append(quarantine_key("originals/" + "4" * 32 + "/" + "5" * 32))
        for key in nobodys:
            store.objects.put(key, b"nobody's", "image/png")
        store.objects.copy(back, quarantine_key(back))
        store.objects.erase(back, 10)
        parts.clock.advance(400 * DAY)
    for _ in range(100):
        done = services.sweeping.run()
        if done.phase in (Phase.DONE, Phase.WAITING):
            break


def scale_fleet(store: Store) -> None:
    """Measures, looks, launches and ends."""
    store.secret("DatabaseSecretArn")
    CloudWatchSamples(store.clients.cloudwatch, ENVIRONMENT).read(["i-1"], [29_000_000])
    instances = Ec2Instances(store.clients.ec2, ENVIRONMENT, "cache-node", [store.account.subnet])
    made = instances.launch(secrets.token_bytes(16), 0)
    instances.terminate([made])


def change_fleet(store: Store) -> None:
    """The same, for a message."""
    store.poll(store.account.fleet_queue_url)
    scale_fleet(store)


WORK: dict[str, Callable[[Store], None]] = {
    one.__name__: one
    for one in (api_handler, perform_job, ingest_images, resend_jobs, sweep, scale_fleet, change_fleet)
}


def do(function: str, account: Account, clients: Clients) -> Calls:
    """The function's calls. Where one of them was refused, its work may have ended there."""
    account.empty()
    store = Store(account, clients)
    try:
        WORK[function](store)
    except Exception:
        if not store.calls.refused:
            raise
    return store.calls
