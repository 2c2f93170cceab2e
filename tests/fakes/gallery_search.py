"""GallerySearch in memory."""

from collections import Counter

from chalicelib.domain.accounts import Principal
from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.search import Query
from chalicelib.domain.search_ports import Place, Suggestion
from chalicelib.domain.search_terms import is_tag_term, tag_term, terms_of, text_of_term, whole_terms_of, word_term
from chalicelib.domain.words import words_of
from tests.fakes.store import MemoryStore


class MemoryGallerySearch:
    """GallerySearch over a MemoryStore: looks at every image each time."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def page(self, principal: Principal, query: Query, after: Place | None, limit: int) -> list[Image]:
        with self._store.steps.step("search.page"), self._store.lock:
            found = [image for image in self._of(principal) if self._has(image, query)]
            found.sort(key=lambda image: (image.created_at, image.key), reverse=True)
            behind = (after.created_at, after.key) if after else None
            return [image for image in found if behind is None or (image.created_at, image.key) < behind][:limit]

    def suggestions(self, principal: Principal, tag: str | None, word: str | None, limit: int) -> list[Suggestion]:
        with self._store.steps.step("search.suggestions"), self._store.lock:
            counts: Counter[bytes] = Counter()
            for image in self._of(principal):
                counts.update(whole_terms_of(words_of(text_of(image.key)), self._tags(image)))
            found: list[Suggestion] = []
            for prefix in ([] if tag is None else [tag_term(tag)]) + ([] if word is None else [word_term(word)]):
                terms = sorted(
                    (term for term in counts if term.startswith(prefix)), key=lambda term: (-counts[term], term)
                )
                found += [Suggestion(text_of_term(term), is_tag_term(term), counts[term]) for term in terms]
            return found[:limit]

    def _of(self, principal: Principal) -> list[Image]:
        owner = self._store.owner(principal)
        return [image for image in self._store.images.values() if image.owner_id == owner.id]

    def _tags(self, image: Image) -> list[str]:
        tags = self._store.tags.get((image.owner_id, image.key), {})
        return [tag for tag, row in tags.items() if not row.removed]

    def _has(self, image: Image, query: Query) -> bool:
        terms = terms_of(words_of(text_of(image.key)), self._tags(image))
        return (
            terms.issuperset(query.required)
            and terms.isdisjoint(query.excluded)
            and (query.since is None or image.created_at >= query.since)
            and (query.before is None or image.created_at < query.before)
        )
