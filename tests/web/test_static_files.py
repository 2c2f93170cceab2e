"""Styles, scripts and icons: served by known names only, and kept by browsers for as long as they are right."""

import gzip
import re

import pytest

from chalicelib.domain.colour_names import NAMED_COLOURS
from chalicelib.web.page_values import NODE_COLOURS
from chalicelib.web.static_files import FOLDER, TOGETHER, static_path
from tests.web.caller import Caller
from tests.web.html_page import HtmlPage

NAMES = sorted(path.name for path in FOLDER.iterdir())


@pytest.fixture(scope="module")
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_the_folder_is_served_with_its_type(caller: Caller, name: str) -> None:
    answer = caller("GET", f"/static/{name}")
    assert answer.status == 200
    assert answer.body == (FOLDER / name).read_bytes()
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    assert answer.headers["content-type"] == types[name.rsplit(".", 1)[1]]
    assert answer.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_under_the_address_that_names_its_bytes_is_kept_for_ever(caller: Caller, name: str) -> None:
    assert caller("GET", static_path(name)).headers["cache-control"] == "public, max-age=31536000, immutable"
    stale = caller("GET", f"/static/{name}?v=0123456789abcdef")
    assert (stale.status, stale.headers["cache-control"]) == (200, "public, max-age=300")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*"])
def test_a_file_is_sent_compressed_to_who_takes_that(caller: Caller, name: str, accepted: str) -> None:
    answer = caller("GET", f"/static/{name}", {"Accept-Encoding": accepted})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == (FOLDER / name).read_bytes()
    assert "Accept-Encoding" in answer.headers["vary"]
    assert answer.headers["etag"] != caller("GET", f"/static/{name}").headers["etag"]
    again = caller("GET", f"/static/{name}", {"Accept-Encoding": accepted, "If-None-Match": answer.headers["etag"]})
    assert again.status == 304


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0"])
def test_a_file_is_sent_plain_to_who_does_not_take_it_compressed(caller: Caller, accepted: str) -> None:
    answer = caller("GET", "/static/style.css", {"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.body == (FOLDER / "style.css").read_bytes()


def test_a_browser_that_has_the_file_gets_no_bytes(caller: Caller) -> None:
    etag = caller("GET", "/static/style.css").headers["etag"]
    assert caller("GET", "/static/style.css", {"If-None-Match": etag}).status == 304
    assert caller("GET", "/static/style.css", {"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("name", TOGETHER)
def test_files_that_go_out_as_one_have_the_bytes_of_each_in_order(caller: Caller, name: str) -> None:
    parts = [(FOLDER / part).read_bytes() for part in TOGETHER[name]]
    assert caller("GET", static_path(name)).body == b"\n".join(parts)
    assert not (FOLDER / name).exists()


@pytest.mark.parametrize("name", ["none.css", "..", "%2e%2e%2fapp.py", "..%2Fapp.py", "STYLE.CSS", "style.css%00"])
def test_no_other_name_leads_anywhere(caller: Caller, name: str) -> None:
    assert caller("GET", f"/static/{name}").status == 404


def test_every_icon_that_pages_use_is_in_the_sheet() -> None:
    sheet = HtmlPage((FOLDER / "icons.svg").read_bytes())
    drawn = {symbol["id"] for symbol in sheet.all("symbol")}
    templates = "".join(path.read_text() for path in (FOLDER.parent / "templates").glob("*.html"))
    used = set(re.findall(r"icon\('(\w+)'\)", templates))
    assert used == drawn


def test_the_style_sheet_has_a_class_for_every_ratio_colour_and_node() -> None:
    styles = "".join(path.read_text() for path in FOLDER.glob("*.css"))
    for ratio in range(5, 31):
        assert f".r{ratio} {{ --ratio: {ratio / 10:.1f}; }}" in styles
    for name in NAMED_COLOURS:
        assert f".c-{name} {{ --colour: " in styles
    for number in range(1, NODE_COLOURS + 1):
        assert f".n{number} {{ --node: var(--n{number}); }}" in styles
