"""Puts images in by the pages and reads a page as a browser would: its elements, words, forms and addresses."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlsplit

from tests.answer import Answer
from tests.web.caller import MULTIPART, Caller, multipart

ADDRESSES = {"href", "src", "action"}
VOID = {"meta", "link", "input", "img", "br", "use"}


@dataclass
class Element:
    """One start tag."""

    tag: str
    attributes: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


@dataclass
class HtmlPage:
    """A parsed page. Asserts that every element is closed in order."""

    source: bytes
    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        reader = _Reader(self)
        reader.feed(self.source.decode())
        reader.close()
        assert reader.open == [], f"never closed: {reader.open}"

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def addresses(self) -> list[str]:
        """Every address that the page links to, loads or sends to, but those within the page itself."""
        found = [element[name] for element in self.elements for name in ADDRESSES & element.attributes.keys()]
        return [address for address in found if not address.startswith("#")]

    def link_to(self, path: str) -> str:
        """The address of the first link to that path, its query included."""
        return next(element["href"] for element in self.all("a") if urlsplit(element["href"]).path == path)

    def fields(self) -> dict[str, str]:
        """The values of the named inputs as they stand on the page."""
        inputs = self.all("input")
        return {one["name"]: one.attributes.get("value", "") for one in inputs if "name" in one.attributes}


class _Reader(HTMLParser):
    def __init__(self, page: HtmlPage) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.page.text += data


def urlencoded(**fields: str) -> bytes:
    """A form's body as browsers send it."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()


def query_of(address: str) -> dict[str, str]:
    """The query of an address by name."""
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True, keep_blank_values=True))


def put(caller: Caller, key: str, data: bytes = b"the bytes") -> Answer:
    """Uploads by the form; the redirect to the image's page."""
    answer = caller.submit("/upload", MULTIPART, multipart(key=key, file=data))
    assert answer.status == 303, answer.body
    return answer


def page_of(answer: Answer, status: int = 200) -> HtmlPage:
    """The page that the answer is; asserts its status."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return HtmlPage(answer.body)


def keyed(path: str, key: str) -> str:
    """The address of the path for the key."""
    return f"{path}?key={quote(key, safe='')}"
