"""Every page in a browser, light and dark, narrow and wide: axe finds nothing, nothing is cut off."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.e2e import acceptance
from tests.e2e.browser import served
from tests.e2e.every_page import Shown, World, unlisted
from tests.e2e.test_browser import CHROMIUM

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=320, height=640)
# What depends on the scheme alone is colours: all rules once for each width, and contrast for each.
LOOKS: tuple[tuple[ViewportSize, Literal["light", "dark"], list[str]], ...] = (
    (WIDE, "light", []),
    (WIDE, "dark", ["color-contrast"]),
    (NARROW, "dark", []),
    (NARROW, "light", ["color-contrast"]),
)
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
            context = browser.new_context(base_url=address, viewport=WIDE)
            session = world.session(who)
            if session is not None:
                context.add_cookies([{"name": "session", "value": session, "url": address}])
            made[who] = context.new_page()
        yield made


def test_every_route_that_shows_a_page_is_in_the_list(world: World) -> None:
    assert unlisted(world.pages) == set()


@pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
def test_axe_finds_nothing_on_any_page_light_or_dark_narrow_or_wide(world: World, pages: dict[str, Page]) -> None:
    script = Axe().axe_script
    found = [words for one in world.pages for words in _looked_at(script, pages[one.who], one)]
    assert found == [], "\n".join(found)


def _looked_at(script: str, page: Page, one: Shown) -> Iterator[str]:
    """What is wrong with the page, in words."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(one.path)
    if one.then is not None:
        one.then(page)
    page.evaluate(script)
    for size, scheme, rules in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        where = f"{one.name}, {size['width']} px, {scheme}"
        for words in page.evaluate(_AXE, rules):
            yield f"{where}: {words}"
        if (width := page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
            yield f"{where}: it is {width} px wide"
        for words in page.evaluate(_SMALL, LEAST_TARGET):
            yield f"{where}: {words}"


_AXE = """async rules => {
  const options = { resultTypes: ["violations"], ...(rules.length > 0 ? { runOnly: rules } : {}) };
  const { violations } = await axe.run(document, options);
  return violations.map(one => `${one.id}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`);
}"""
# Controls that are smaller than that, but for links in running text and boxes whose label is the target.
_SMALL = """least => [...document.querySelectorAll("button, .button, nav a, summary, input:not([type=hidden]), select")]
  .filter(one => one.checkVisibility() && !one.closest("[hidden]"))
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < least - 0.5 || box.height < least - 0.5))
  .map(([one, box]) => `${Math.round(box.width)} by ${Math.round(box.height)}: ${one.outerHTML.slice(0, 120)}`)"""
