"""Every page in a browser, light and dark, narrow and wide: axe finds nothing, nothing is cut off."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.e2e import acceptance
from tests.e2e.every_page import Shown, World, unlisted
from tests.e2e.served_fakes import served
from tests.e2e.test_browser import CHROMIUM

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
LEAST_TARGET = 24  # CSS pixels, WCAG 2.2


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def pages(world: World) -> Iterator[dict[str, Page]]:
    """Each person's page, with scripts."""
    with served(world.services) as address, acceptance.launched() as browser:
        made = {}
        for who in dict.fromkeys(one.who for one in world.pages):
            context = browser.new_context(base_url=address, viewport=WIDE)  # type: ignore[arg-type]
            session = world.session(who)
            if session is not None:
                context.add_cookies([{"name": "session", "value": session, "url": address}])
            made[who] = context.new_page()
        yield made


def test_every_route_that_shows_a_page_is_in_the_list(world: World) -> None:
    assert unlisted(world.pages) == set()


@pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
def test_axe_finds_nothing_on_any_page_light_or_dark_narrow_or_wide(world: World, pages: dict[str, Page]) -> None:
    axe = Axe()
    found = [words for one in world.pages for words in _looked_at(axe, pages[one.who], one)]
    assert found == []


def _looked_at(axe: Axe, page: Page, one: Shown) -> Iterator[str]:
    """What is wrong with the page, in words."""
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(one.path)
    if one.then is not None:
        one.then(page)
    for size, scheme in ((WIDE, "light"), (WIDE, "dark"), (NARROW, "dark"), (NARROW, "light")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        where = f"{one.name}, {size['width']} px, {scheme}"
        only = None if scheme == "light" else {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
        for each in axe.run(page, options=only or {"resultTypes": ["violations"]}).response["violations"]:
            yield f"{where}: {each['id']}: {[node['html'][:160] for node in each['nodes']][:3]}"
        if (width := page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
            yield f"{where}: it is {width} px wide"
        for small in page.evaluate(_SMALL, LEAST_TARGET):
            yield f"{where}: {small}"


# Controls that are smaller than that, but for links in running text and boxes whose label is the target.
_SMALL = """least => [...document.querySelectorAll("button, .button, nav a, summary, input:not([type=hidden]), select")]
  .filter(one => one.checkVisibility() && !one.closest("[hidden]"))
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < least - 0.5 || box.height < least - 0.5))
  .map(([one, box]) => `${Math.round(box.width)} by ${Math.round(box.height)}: ${one.outerHTML.slice(0, 120)}`)"""
