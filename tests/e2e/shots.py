"""Pictures of every page, light, dark, wide and at 320 px: the README's on a store of their own. `make shots`.

`python -m tests.e2e.shots NAME...` takes some again: names of tests/e2e/every_page.py, `readme` for the README's.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e import acceptance
from tests.e2e.browser import served
from tests.e2e.every_page import World, open_lightbox
from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud, until

FOLDER = Path(__file__).parents[2] / "docs/images"
IMAGES = 26
FORMS = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "wide": (2560, 1300, "light")}
NARROW = {"320": (320, 640, "light"), "320-dark": (320, 640, "dark")}
_WITH_ALL_IMAGES = """async () => {
  scrollTo(0, 0);
  for (const image of document.images) image.loading = "eager";
  const shown = [...document.images].filter(image => image.checkVisibility());
  await Promise.all(shown.map(image => image.decode().catch(() => undefined)));
}"""
README = "readme"
KEPT = (("home", "light"), ("lightbox", "dark"))


def main(names: Sequence[str]) -> int:
    """Takes those named, or all; the exit status."""
    if CHROMIUM is None:
        sys.stderr.write("There is no browser: ops/setup.sh --browser installs one.\n")
        return 1
    known = [README, *(one.name for one in World().pages)]
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"There is no page named {', '.join(unknown)}. There are: {', '.join(known)}.\n")
        return 2
    wanted = set(names) or set(known)
    if README in wanted:
        _take_readme()
    everything = FOLDER / "all"
    everything.mkdir(parents=True, exist_ok=True)
    for form, looks in {**FORMS, **NARROW}.items() if wanted - {README} else ():
        _take_all(everything, form, looks, wanted)
    sys.stdout.write(f"{len(list(everything.glob('*.png')))} pictures in {everything}\n")
    return 0


def _take_readme() -> None:
    with tempfile.TemporaryDirectory() as state:
        cloud = LocalCloud(Path(state))
        cloud.start()
        try:
            _fill(cloud)
            _take_kept(cloud)
        finally:
            cloud.stop()


def _fill(cloud: LocalCloud) -> None:
    store = StoreClient(cloud.address)
    for number in range(IMAGES):
        store.put(name_of(number), hills(number))
    ready = f"/api/v1/image/metadata?key={quote(name_of(IMAGES - 1))}"
    until(lambda: b'"due"' not in store("GET", ready).body, timeout_seconds=120)


def _take_kept(cloud: LocalCloud) -> None:
    """The README's, of images that went the whole way."""
    with acceptance.launched() as browser:
        # Another browser has seen it before: a node holds the image.
        page = browser.new_page(base_url=cloud.address, viewport={"width": 1280, "height": 900})
        page.goto("/", wait_until="networkidle")
        open_lightbox(page, 2)
        page.wait_for_load_state("networkidle")
        page.close()
        for name, form in KEPT:
            context = browser.new_context(base_url=cloud.address, **_looks(FORMS[form]))
            page = context.new_page()
            page.goto("/", wait_until="networkidle")
            if name == "lightbox":
                open_lightbox(page, 2)
                page.mouse.move(0, 0)
                page.wait_for_load_state("networkidle")
            kept = name if form == "light" else f"{name}-{form}"
            page.screenshot(path=FOLDER / f"{kept}.jpg", type="jpeg", quality=70)
            context.close()


def _take_all(everything: Path, form: str, looks: tuple[int, int, str], wanted: set[str]) -> None:
    """Each page that is wanted, on a store that has some of everything, one for each form: some pages change it."""
    world = World()
    pages = [one for one in world.pages if one.name in wanted]
    with served(world.services) as address, acceptance.launched() as browser:
        for one in pages:
            context = browser.new_context(base_url=address, **_looks(looks))
            session = world.session(one.who)
            if session is not None:
                context.add_cookies([{"name": "session", "value": session, "url": address}])
            page = context.new_page()
            page.goto(one.path, wait_until="networkidle")
            if one.then is not None:
                one.then(page)
                page.mouse.move(0, 0)
                page.wait_for_load_state("networkidle")
            # To the end of the page; but a lightbox covers the window alone.
            page.evaluate(_WITH_ALL_IMAGES)
            open_dialog = page.locator("dialog[open]").count() > 0
            page.screenshot(path=everything / f"{one.name.replace(' ', '-')}-{form}.png", full_page=not open_dialog)
            context.close()


def _looks(form: tuple[int, int, str]) -> dict[str, Any]:
    width, height, scheme = form
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
