"""Pages of a gallery at a million images: deep ones and searches, each against the first page of all images.

A page is what the store makes of its rows: images, newest first, out of MariaDB's answer to the statements that the
pages send.
"""

import sys
import time
from collections.abc import Callable, Sequence

from bench.gallery_rows import BIG, COMMON, OWNERS, RARE, gallery, key_of, uploaded_at
from bench.interleaved import compare
from bench.rows import Row, row
from bench.store import expect
from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows
from chalicelib.adapters.mysql.image_lists import ImageLists
from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.search import Query, query_of

LIMIT = 49  # a page of 48, and whether there is another
DEEP = 20_000
_GOAL_DEEP, _GOAL_TAG, _GOAL_WORD = 1.1, 2.0, 3.0
_SEARCHES = (
    ("the tag of 100,000 images", f"tag:{COMMON}", _GOAL_TAG, LIMIT),
    ("the tag of twenty images", f"tag:{RARE}", _GOAL_TAG, 20),
    ("a prefix of one letter, of every thirteenth image", "k", _GOAL_WORD, LIMIT),
    ("a prefix of two letters, of every fiftieth", "ke", _GOAL_WORD, LIMIT),
    ("a prefix that as many words as images begin with", "4", _GOAL_WORD, LIMIT),
    ("a prefix and the tag of 100,000, together", f"ke tag:{COMMON}", None, LIMIT),
    ("the tag of 100,000 and that of twenty, together", f"tag:{COMMON} tag:{RARE}", None, 20),
    ("the tag of 100,000, of one month", f"tag:{COMMON} uploaded:2024-05", None, LIMIT),
    ("the tag of 100,000, without a colour", f"tag:{COMMON} -colour:blue", None, LIMIT),
)


def rows() -> list[Row]:
    """Loads the rows first, which takes some minutes."""
    started = time.monotonic()
    with gallery() as database:
        loaded = f"{sum(OWNERS.values()):,} images were loaded in {time.monotonic() - started:.0f} s"
        print(loaded, file=sys.stderr, flush=True)
        rows_of = MySqlGalleryRows(database, ImageLists(database))
        owner = Principal(BIG)

        def page_of(query: Query, after: Cursor | None = None) -> Callable[[], Sequence[GalleryEntry]]:
            return lambda: rows_of.page(owner, after, LIMIT, query)[0]

        newest = OWNERS[BIG] - 1
        first = page_of(Query())
        expect(
            [entry.image.key for entry in first()[:2]] == [key_of(newest), key_of(newest - 1)], "the newest come first"
        )
        deep = page_of(Query(), Cursor(uploaded_at(newest - DEEP), key_of(newest - DEEP)))
        expect(deep()[0].image.key == key_of(newest - DEEP - 1), "the page is so deep")
        found = [row(f"page {DEEP:,} images deep, against the first page", compare(deep, first), _GOAL_DEEP)]
        for words, text, goal, count in _SEARCHES:
            search_page = page_of(query_of(text))
            expect(len(search_page()) == count, f"{text} finds {count}")
            found.append(row(f"search by {words}, against the first page", compare(search_page, first), goal))
        return found
