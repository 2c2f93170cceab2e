"""A gallery of ten thousand images, and a person's browser on it.

One owner has images that were really uploaded; the ten thousand older ones are rows alone, which show what was made of
the first that was uploaded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e import acceptance
from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient
from tests.local_cloud import LocalCloud, until

UPLOADED, ROWS = 8, 10_000
PATIENCE_MS = 30_000  # a busy machine

# Before anything else on a page: every shift of its layout, and what moved.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.shifts.push([entry.value, entry.sources.map((one) => one.node?.outerHTML?.slice(0, 200) ?? "")]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@contextmanager
def filled(folder: Path) -> Iterator[LocalCloud]:
    """A store of its own: the tests count what it holds. An account that is to be erased is, at once."""
    started = LocalCloud(folder, extra_environ={"CACHE_TIMEOUT_MS": "2000", "ERASE_GRACE_DAYS": "0"})
    started.start()
    store = StoreClient(started.address)
    for number in range(UPLOADED):
        assert store.put(name_of(number), hills(number)).status == 201
    assert until(lambda: due(started) == 0, timeout_seconds=90)
    insert_rows(started)
    yield started
    started.stop()


def database(cloud: LocalCloud) -> "pymysql.Connection[Any]":
    environ = cloud.environ
    return pymysql.connect(
        host=environ["DATABASE_HOST"],
        port=int(environ["DATABASE_PORT"]),
        user=environ["DATABASE_USER"],
        password=environ["DATABASE_PASSWORD"],
        database=environ["DATABASE_NAME"],
        autocommit=True,
    )


def due(cloud: LocalCloud) -> int:
    with database(cloud) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM renditions WHERE state = 'due'")
        found = cursor.fetchone()
        assert found is not None
        return int(found[0])


DIGITS = " ".join(["(SELECT 0 AS d", *(f"UNION ALL SELECT {digit}" for digit in range(1, 10))]) + ")"
# Older than those uploaded, one a second.
OLD_IMAGES = f"""
INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, created_at)
SELECT i.owner_id, CONCAT('old ', LPAD(n.n, 5, '0')), CONCAT('originals/rows/', n.n), i.sha256, i.size, i.media_type,
    600 + (n.n * 37) MOD 900, 700, 1, '2020-01-01' + INTERVAL n.n SECOND
FROM images i
JOIN (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} e) n
WHERE i.image_key = %s
"""  # noqa: S608 - of constants
# They show what was made of the image that was uploaded first.
OLD_RENDITIONS = """
INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, sha256, width, height, size,
    media_type, state, created_at)
SELECT i.owner_id, i.image_key, r.kind, i.object_key, r.object_key, r.sha256, r.width, r.height, r.size,
    r.media_type, r.state, r.created_at
FROM images i JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = %s
WHERE i.image_key LIKE 'old %%'
"""


def insert_rows(cloud: LocalCloud) -> None:
    with database(cloud) as connection, connection.cursor() as cursor:
        assert cursor.execute(OLD_IMAGES, (name_of(0),)) == ROWS
        cursor.execute(OLD_RENDITIONS, (name_of(0),))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with acceptance.launched() as launched:
        yield launched


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, gallery: LocalCloud) -> Iterator[Opened]:
    """Opens a page in a browser of its own; the test fails if the browser complains."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str = "/", width: int = 1280, **options: Any) -> Page:
        height = options.pop("height", 900)
        contexts.append(
            browser.new_context(base_url=gallery.address, viewport={"width": width, "height": height}, **options)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if options.get("java_script_enabled", True):
            page.add_init_script(SHIFTS)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [words for words in complaints if "the server responded with a status of" not in words] == []


def tiles(page: Page) -> Any:
    return page.locator(".tile:not(.held)")


def tile(page: Page, number: int) -> Any:
    return page.locator(".tile > a[data-open]").nth(number)


def shown_key(page: Page) -> str:
    return page.locator("#lightbox [data-title]").text_content() or ""


def shifts(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate("window.shifts")
    return found


def chosen(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...new FormData(document.getElementById('gallery')).getAll('key')]")
    return found
