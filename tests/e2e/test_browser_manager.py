"""A manager's browser: the live parts of the console, forms that are never overwritten, and the notice of a resize."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.domain import fleet
from chalicelib.domain.fleet import Node
from chalicelib.web.fleet_notice import KEPT_SECONDS
from tests.e2e.acceptance import launched
from tests.e2e.browser import browser_path, served
from tests.fakes import MemoryParts

FOUR = tuple(Node(f"node-{letter}", f"10.0.0.{index}", 11211) for index, letter in enumerate("abcd", 1))

pytestmark = pytest.mark.skipif(browser_path() is None, reason="no browser is installed: ops/setup.sh --browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def parts() -> MemoryParts:
    return MemoryParts()


@pytest.fixture
def address(parts: MemoryParts) -> Iterator[str]:
    """The application on fakes, served on loopback."""
    with served(parts) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose time the test moves, and that fails the test if the browser complains."""
    with browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}) as context:
        complaints: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.clock.install()
        page.goto("/keys")  # from here on the browser is known
        yield page
        assert [words for words in complaints if "status of" not in words] == []


def grow(parts: MemoryParts) -> None:
    parts.store.fleet_map = fleet.with_nodes(parts.fleet_map, FOUR)
    parts.clock.advance(KEPT_SECONDS)


def test_the_live_parts_follow_and_what_is_typed_stays(page: Page, parts: MemoryParts) -> None:
    page.goto("/manager")
    expect(page.locator("#live-nodes h3")).to_have_text(["Node 1", "Node 2"])
    field = page.get_by_label("Grow above a miss rate of")
    field.fill("0.77")
    page.locator("#minutes-summary").click()
    grow(parts)
    page.clock.fast_forward(11_000)
    expect(page.locator("#live-nodes h3")).to_have_text(["Node 1", "Node 2", "Node 3", "Node 4"])
    expect(field).to_have_value("0.77")
    expect(page.locator("#minutes-table")).to_have_attribute("open", "")
    expect(page.locator("#minutes-summary")).to_be_focused()
    expect(page.locator("[data-renew]")).to_contain_text("renewed every 10 seconds")
    expect(page.get_by_text("The cache grew from 2 to 4 nodes.")).to_be_visible()


def test_a_page_that_cannot_be_renewed_says_so_and_keeps_what_it_shows(page: Page) -> None:
    page.goto("/manager")
    page.route("**/manager", lambda route: route.fulfill(status=503, body=""))
    page.clock.fast_forward(11_000)
    expect(page.locator("[data-renew]")).to_contain_text("cannot be renewed just now")
    expect(page.locator("#live-nodes h3")).to_have_text(["Node 1", "Node 2"])


def test_an_open_page_learns_of_a_resize_within_a_minute_and_once(page: Page, parts: MemoryParts) -> None:
    page.goto("/keys")
    grow(parts)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/notice") else None)
    page.clock.run_for(44_000)
    assert asked == []
    page.clock.run_for(20_000)
    notice = page.get_by_text("The cache grew from 2 to 4 nodes.")
    expect(notice).to_be_visible()
    assert len(asked) == 1
    page.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)
    page.goto("/keys")
    expect(notice).to_have_count(0)


def test_without_script_the_next_page_tells_it(browser: Browser, address: str, parts: MemoryParts) -> None:
    with browser.new_context(base_url=address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/keys")
        page.goto("/keys")
        grow(parts)
        page.goto("/")
        expect(page.get_by_text("The cache grew from 2 to 4 nodes.")).to_be_visible()
        expect(page.get_by_role("button", name="Dismiss")).to_have_count(0)
        page.goto("/")
        expect(page.get_by_text("The cache grew from 2 to 4 nodes.")).to_have_count(0)


def test_without_script_one_node_more_is_asked_for(browser: Browser, address: str, parts: MemoryParts) -> None:
    with browser.new_context(base_url=address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/manager")
        page.get_by_role("button", name="+1 node").click()
        expect(page.get_by_text("One node more is wanted")).to_be_visible()
        assert parts.store.settings["cache"][1]["num_nodes"] == 3


@pytest.mark.parametrize("width", [320, 640, 1280, 3840])
def test_no_page_of_the_console_is_wider_than_its_window(browser: Browser, address: str, width: int) -> None:
    with browser.new_context(base_url=address, viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        for path in (
            "/manager",
            "/manager?nodes=16",
            "/manager/node?id=node-a",
            "/manager/decisions",
            "/manager/clear",
        ):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            heights = page.locator("button:visible, nav a, .button, input:not([type=hidden]), summary").evaluate_all(
                "found => found.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().height)"
            )
            assert min(heights) >= 24, path
