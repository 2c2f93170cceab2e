"""Pictures of the pages on a store of their own: light, dark, wide and at 320 px. `make shots`."""

import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient
from tests.e2e.test_browser import ARGUMENTS, CHROMIUM
from tests.local_cloud import LocalCloud, until

FOLDER = Path(__file__).parents[2] / "docs/images"
IMAGES = 26
FORMS = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "wide": (2560, 1300, "light")}
NARROW = {"320": (320, 640, "light"), "320-dark": (320, 640, "dark")}
PAGES = {
    "home": "/",
    "edits": "/?show=edits",
    "image": f"/image?key={quote(name_of(1))}",
    "upload": "/upload",
    "keys": "/keys",
    "delete": f"/delete?key={quote(name_of(1))}",
    "missing": "/image?key=none",
    "manager": "/manager",
    "decisions": "/manager/decisions",
    "admin": "/admin",
    "audit": "/admin/audit",
    "sign-in": "/sign-in",
    "sign-up": "/sign-up",
    "withdraw": "/withdraw",
}
KEPT = {("home", "light"), ("lightbox", "dark")}  # the README's


def main() -> int:
    """Takes them all; the exit status."""
    if CHROMIUM is None:
        sys.stderr.write("There is no browser: ops/setup.sh --browser installs one.\n")
        return 1
    everything = FOLDER / "all"
    everything.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state:
        cloud = LocalCloud(Path(state))
        cloud.start()
        try:
            _fill(cloud)
            _take(cloud, everything)
        finally:
            cloud.stop()
    sys.stdout.write(f"{len(list(everything.glob('*.png')))} pictures in {everything}\n")
    return 0


def _fill(cloud: LocalCloud) -> None:
    store = StoreClient(cloud.address)
    for number in range(IMAGES):
        store.put(name_of(number), hills(number))
    ready = f"/api/v1/image/metadata?key={quote(name_of(IMAGES - 1))}"
    until(lambda: b'"due"' not in store("GET", ready).body, timeout_seconds=120)


def _take(cloud: LocalCloud, everything: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for form, (width, height, scheme) in {**FORMS, **NARROW}.items():
            context = browser.new_context(
                base_url=cloud.address,
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            for name, path in PAGES.items():
                page.goto(path, wait_until="networkidle")
                _shoot(page, everything, name, form)
            page.goto("/", wait_until="networkidle")
            page.locator(".tile > a").nth(2).click()
            page.locator("#lightbox #tags").wait_for(state="attached")
            page.wait_for_load_state("networkidle")
            _shoot(page, everything, "lightbox", form)
            context.close()
        browser.close()


def _shoot(page: Page, everything: Path, name: str, form: str) -> None:
    page.screenshot(path=everything / f"{name}-{form}.png")
    if (name, form) in KEPT:
        kept = name if form == "light" else f"{name}-{form}"
        page.screenshot(path=FOLDER / f"{kept}.jpg", type="jpeg", quality=70)


if __name__ == "__main__":
    sys.exit(main())
