"""What the acceptance tests share: a browser, images like no other, and files dropped on a page."""

import base64
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ProxySettings, expect, sync_playwright

from tests.e2e.test_browser import ARGUMENTS, CHROMIUM
from tests.local_cloud import LocalCloud

STORED = 60_000  # ms; a busy machine

_DROP = """files => {
  const carried = new DataTransfer();
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0));
    carried.items.add(new File([bytes], name, {type}));
  }
  return carried;
}"""


@contextmanager
def launched() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, cloud: LocalCloud, *, script: bool = True, proxy: str | None = None) -> Iterator[Page]:
    """A page of a browser of its own; the test fails if something was blocked or a script failed."""
    by: ProxySettings | None = None if proxy is None else {"server": proxy}
    with browser.new_context(base_url=cloud.address, java_script_enabled=script, proxy=by) as context:
        complaints: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert [words for words in complaints if "Content Security" in words or "Error:" in words] == []


def image(width: int = 90, height: int = 60) -> bytes:
    """A PNG like no other."""
    out = BytesIO()
    Image.frombytes("RGB", (9, 6), secrets.token_bytes(162)).resize((width, height)).save(out, "PNG")
    return out.getvalue()


def photograph(folder: Path) -> Path:
    """A JPEG of 12 megapixels and about 40 MB: noise, hardly compressed."""
    path = folder / f"large {secrets.token_hex(4)}.jpg"
    noise = Image.frombytes("RGB", (4000, 3000), secrets.token_bytes(36_000_000))
    noise.save(path, "JPEG", quality=100, subsampling=0)
    assert path.stat().st_size > 35_000_000
    return path


def files(folder: Path, count: int, *, noise: int = 0) -> list[Path]:
    """Images in files whose names no other test has; with `noise`, squares of that edge that hardly compress."""
    run = secrets.token_hex(4)
    made = [folder / f"{run} {number} é.png" for number in range(count)]
    for path in made:
        path.write_bytes(_noise(noise) if noise else image())
    return made


def _noise(edge: int) -> bytes:
    out = BytesIO()
    Image.frombytes("RGB", (edge, edge), secrets.token_bytes(3 * edge * edge)).save(out, "PNG")
    return out.getvalue()


def choose(page: Page, paths: Sequence[Path]) -> None:
    """What a person does with the chooser and the button."""
    page.get_by_label("Image", exact=True).set_input_files(list(paths))
    page.get_by_role("button", name="Upload", exact=True).click()


def drop(page: Page, paths: Sequence[Path], place: Locator) -> None:
    """What a person does with the mouse."""
    carried = page.evaluate_handle(
        _DROP, [[path.name, "image/png", base64.b64encode(path.read_bytes()).decode()] for path in paths]
    )
    place.dispatch_event("drop", {"dataTransfer": carried})


def row(page: Page, path: Path) -> Locator:
    """What the page says of one file: the list item with its bar."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("progressbar")).filter(has_text=path.name)


def total(page: Page) -> Locator:
    """The words on all files together."""
    return page.get_by_role("status").filter(has_text=re.compile(r"\d+ of \d+ stored"))


def all_stored(page: Page, count: int) -> None:
    expect(total(page)).to_have_text(f"{count} of {count} stored", timeout=STORED)
