"""Searching a MemoryStore: looks at every image each time."""

from collections import Counter

from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.search import Query
from chalicelib.domain.search_completion import Suggestion
from chalicelib.domain.search_terms import is_tag_term, tag_term, terms_of, text_of_term, whole_terms_of, word_term
from chalicelib.domain.words import words_of
from tests.fakes.rendition_rows import details_of
from tests.fakes.store import MemoryStore


def images_of(store: MemoryStore, owner_id: bytes) -> list[Image]:
    """The owner's images, in no order."""
    return [image for image in store.images.values() if image.owner_id == owner_id]


def found_by(store: MemoryStore, image: Image, query: Query) -> bool:
    """Whether the query finds the image."""
    terms = terms_of(_words(store, image), _tags(store, image))
    return (
        terms.issuperset(query.required)
        and terms.isdisjoint(query.excluded)
        and (query.since is None or image.created_at >= query.since)
        and (query.before is None or image.created_at < query.before)
    )


def suggested(store: MemoryStore, owner_id: bytes, tag: str | None, word: str | None) -> list[Suggestion]:
    """As GalleryRows.suggestions, without a limit."""
    counts: Counter[bytes] = Counter()
    for image in images_of(store, owner_id):
        counts.update(whole_terms_of(_words(store, image), _tags(store, image)))
    found: list[Suggestion] = []
    for prefix in ([] if tag is None else [tag_term(tag)]) + ([] if word is None else [word_term(word)]):
        terms = sorted((term for term in counts if term.startswith(prefix)), key=lambda term: (-counts[term], term))
        found += [Suggestion(text_of_term(term), is_tag_term(term), counts[term]) for term in terms]
    return found


def _words(store: MemoryStore, image: Image) -> tuple[str, ...]:
    return words_of(text_of(image.key), details_of(store, image.owner_id, image.key).caption)


def _tags(store: MemoryStore, image: Image) -> list[str]:
    return [tag for tag, row in store.tags.get((image.owner_id, image.key), {}).items() if not row.removed]
