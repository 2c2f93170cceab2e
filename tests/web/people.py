"""People with accounts, as their browsers and scripts call the application on fakes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from chalicelib.domain.accounts import hash_of
from chalicelib.domain.jobs import ACCOUNT_MAIL
from tests.answer import Answer
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import ENVIRON, memory_config
from tests.web.caller import URLENCODED, VISITOR, Caller, multipart

PASSWORD = "correct horse battery"
SITE, ADDRESS = "https://store.test", "192.0.2.1"


def people_app(parts: MemoryParts) -> Caller:
    """The application as it is deployed: the compatible API is open as `demo`, nothing else is."""
    caller = Caller(parts)
    caller.app = memory_app(parts.services(config=memory_config(open_to="compatible-api")))
    return caller


@dataclass
class Person:
    """One account, its session in one browser."""

    call: Caller
    session: str

    @property
    def cookies(self) -> dict[str, str]:
        return {"Cookie": f"visitor={VISITOR}; session={self.session}"}

    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        return self.call(method, path, {**self.cookies, **(headers or {})}, body)

    def submit(self, path: str, **fields: str) -> Answer:
        """Sends a form of the pages."""
        body = "&".join(f"{name}={quote(value)}" for name, value in fields.items()).encode()
        self.call.visitor = VISITOR
        return self.call.submit(path, {**URLENCODED, **self.cookies}, body)

    def put(self, key: str, data: bytes) -> Answer:
        return self.call.submit(
            "/upload", {"Content-Type": multipart_type(), **self.cookies}, multipart(key=key, file=data)
        )

    def token(self, scope: str) -> dict[str, str]:
        """The header of a new token for scripts."""
        page = self.submit("/account/tokens", label="a script", scope=scope)
        found = re.search(r'class="code">([\w-]{43})<', page.body.decode())
        assert found is not None
        return {"Authorization": f"Bearer {found[1]}"}


def multipart_type() -> str:
    from tests.web.caller import MULTIPART

    return MULTIPART["Content-Type"]


def joined(call: Caller, email: str, admin: bool = False) -> Person:
    """A person who signed up, read their mail, and is signed in."""
    services = call.parts.services(config=memory_config(open_to="compatible-api"))
    accounts = services.accounts
    if admin:
        link = accounts.first_admin_link()
        assert link is not None
        accounts.become_first_admin(link, email, PASSWORD)
        return Person(call, accounts.sign_in(email, PASSWORD, ADDRESS, None).token)
    accounts.sign_up(email, PASSWORD, SITE, ADDRESS)
    (job_id,) = (one for one, row in call.parts.store.jobs.items() if row.job.kind == ACCOUNT_MAIL)
    services.worker.perform(job_id)
    link = call.parts.mail.sent[-1][2].split("link=")[1].split()[0]
    return Person(call, accounts.verify(link, PASSWORD, None).token)


def session_hash(person: Person) -> bytes:
    return hash_of(person.session)


SECRET = ENVIRON["SECRET_KEY"]
