"""What the gallery's templates need of a page, as plain values. Pure."""

from dataclasses import dataclass

from chalicelib.domain.gallery import GalleryPage, Tile, TileRendition
from chalicelib.domain.renditions import KINDS, PREVIEW, THUMBNAIL

LEAST_RATIO, MOST_RATIO = 5, 30  # in tenths; the style sheet has a class for each
ROW_REM = 12
EAGER = 6  # tiles that are loaded at once: about the first row


@dataclass(frozen=True, slots=True)
class Source:
    """One file that a tile can show; `kind` "" is the image itself."""

    kind: str
    width: int


@dataclass(frozen=True, slots=True)
class ShownTile:
    """A tile as the grid shows it. `sources` from small to large; `sizes_rem` is about how wide it is shown."""

    id: str
    key: str
    href_kind: str
    caption: str
    alt: str
    width: int
    height: int
    ratio: int
    colour: str
    state: str
    edit: str
    sources: tuple[Source, ...]
    sizes_rem: float
    eager: bool


def shown_tiles(page: GalleryPage, with_edits: bool) -> list[ShownTile]:
    """The page's tiles in order; with edits each image is followed by what was made of it."""
    shown: list[ShownTile] = []
    for tile in page.tiles:
        shown.append(_original(tile, len(shown) < EAGER, with_edits))
        if with_edits:
            shown += [_edit(tile, edit, len(shown) < EAGER) for edit in tile.edits]
    return shown


def ratio_of(width: int, height: int) -> int:
    """Width over height in tenths, within what the style sheet knows."""
    return max(LEAST_RATIO, min(MOST_RATIO, round(10 * width / max(height, 1))))


def _original(tile: Tile, eager: bool, with_edits: bool) -> ShownTile:
    copies = [tile.ready(kind.name) for kind in (THUMBNAIL, PREVIEW)]
    widths: dict[int, Source] = {}
    for copy in copies:
        if copy is not None:
            widths.setdefault(copy.width, Source(copy.kind, copy.width))
    sources = tuple(widths.values()) or (Source("", tile.width),)
    words = f"{tile.caption or tile.key}, original" if with_edits else tile.caption or tile.key
    return _shown(tile, "", words, tile.width, tile.height, sources, eager)


def _edit(tile: Tile, edit: TileRendition, eager: bool) -> ShownTile:
    kind = KINDS.get(edit.kind)
    words = f"{tile.caption or tile.key}, {(kind.caption if kind else edit.kind).lower()}"
    return _shown(tile, edit.kind, words, edit.width, edit.height, (Source(edit.kind, edit.width),), eager)


def _shown(
    tile: Tile, edit: str, words: str, width: int, height: int, sources: tuple[Source, ...], eager: bool
) -> ShownTile:
    ratio = ratio_of(width, height)
    return ShownTile(
        id=tile.object_key.rpartition("/")[2][-16:] + (f"-{edit}" if edit else ""),
        key=tile.key,
        href_kind=edit,
        caption=words,
        alt=words,
        width=width,
        height=height,
        ratio=ratio,
        colour=tile.colour or "",
        state="ready" if edit else tile.state,
        edit=edit,
        sources=sources,
        sizes_rem=round(ratio / 10 * ROW_REM, 1),
        eager=eager,
    )
