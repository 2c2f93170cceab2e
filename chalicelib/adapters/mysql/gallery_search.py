"""Images newest first, all of them or those that a search finds, each page one range of an index.

A search begins with the rows of one term, the rarest that the query asks for, which lie in the order of the page; every
other term is a look-up by key in the rows that are left. So a page costs about what it shows: only images that have
the rarest term and lack another are looked at for nothing.
"""

from chalicelib.adapters.mysql.database import Args, Selecting
from chalicelib.adapters.mysql.image_lists import Wanted
from chalicelib.adapters.mysql.principals import whose
from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor
from chalicelib.domain.search import Query
from chalicelib.domain.search_completion import Suggestion
from chalicelib.domain.search_terms import is_tag_term, tag_term, text_of_term, word_term

# Up to so many images a term is rare, from so many on it is common: which term begins need not be exact.
RARE, COMMON = 50, 1000
_MOST_LOOKED_AT = 500  # words and tags, of which those of most images are offered
_NEWEST = "{}.created_at DESC, {}.image_key DESC"


def rarest_first(reads: Selecting, principal: Principal, terms: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Told by whether they have a row so far in, which does not cost more where there are more."""
    if len(terms) < 2:
        return terms
    who = whose(principal)
    further = "(SELECT 1 FROM image_terms t WHERE t.owner_id = o.id AND t.term = %s LIMIT 1 OFFSET {})"
    columns = [further.format(offset) for _ in terms for offset in (RARE, COMMON)]
    found = reads.select(
        f"SELECT {who.echo}, {', '.join(columns)} FROM {who.tables} WHERE {who.condition}",
        (*(term for term in terms for _ in range(2)), *who.args),
        belongs=lambda rows: all(row[0] == who.asked and len(row) == 1 + 2 * len(terms) for row in rows),
    )
    if not found:
        return terms
    sizes = found[0][1:]
    common = {term: sum(each is not None for each in sizes[2 * n : 2 * n + 2]) for n, term in enumerate(terms)}
    return tuple(sorted(terms, key=lambda term: common[term]))


def suggestions(
    reads: Selecting, principal: Principal, tag: str | None, word: str | None, limit: int
) -> list[Suggestion]:
    """As GalleryRows.suggestions."""
    found: list[Suggestion] = []
    for prefix in ([] if tag is None else [tag_term(tag)]) + ([] if word is None else [word_term(word)]):
        if len(found) < limit:
            found += _beginning_with(reads, principal, prefix, limit - len(found))
    return found


def _beginning_with(reads: Selecting, principal: Principal, prefix: bytes, limit: int) -> list[Suggestion]:
    who = whose(principal)
    found = reads.select(
        f"SELECT {who.echo}, t.term, t.images FROM {who.tables} JOIN owner_terms t ON t.owner_id = o.id "
        f"WHERE {who.condition} AND t.term >= %s AND t.term < %s ORDER BY t.term LIMIT %s",
        (*who.args, prefix, prefix + b"\xff", _MOST_LOOKED_AT),
        belongs=lambda rows: all(len(row) == 3 and row[0] == who.asked and row[1].startswith(prefix) for row in rows),
    )
    most = sorted(((term, images) for _, term, images in found), key=lambda each: (-each[1], each[0]))[:limit]
    return [Suggestion(text_of_term(term), is_tag_term(term), images) for term, images in most]


def wanted(
    columns: str, more_joins: str, terms: tuple[bytes, ...], query: Query, after: Cursor | None, limit: int
) -> Wanted:
    """The columns of images that have all the terms, beginning with the first, and hold to the rest of the query.

    `more_joins` stand behind the images.
    """
    joins, join_args = _joins(terms, query.excluded)
    first = "t0" if terms else "i"
    conditions, args = _bounds(first, query, after)
    conditions += [f"n{number}.term IS NULL" for number in range(len(query.excluded))]
    return Wanted(
        columns,
        limit,
        joins=f"{joins} {more_joins}",
        join_args=join_args,
        first=first,
        condition=" AND ".join(["TRUE", *conditions]),
        args=args,
        order=_NEWEST,
    )


def _joins(terms: tuple[bytes, ...], excluded: tuple[bytes, ...]) -> tuple[str, Args]:
    if not terms:
        joins = ["JOIN images i FORCE INDEX (images_newest) ON i.owner_id = o.id"]
    else:
        joins = ["JOIN image_terms t0 ON t0.owner_id = o.id AND t0.term = %s"]
        joins += [f"JOIN {_same_image(f't{number}', 't0')}" for number in range(1, len(terms))]
    first = "t0" if terms else "i"
    joins += [f"LEFT JOIN {_same_image(f'n{number}', first)}" for number in range(len(excluded))]
    if terms:
        joins.append(
            "JOIN images i ON i.owner_id = t0.owner_id AND i.image_key = t0.image_key AND i.created_at = t0.created_at"
        )
    return " ".join(joins), (*terms, *excluded)


def _same_image(name: str, first: str) -> str:
    return (
        f"image_terms {name} ON {name}.owner_id = {first}.owner_id AND {name}.term = %s "
        f"AND {name}.created_at = {first}.created_at AND {name}.image_key = {first}.image_key"
    )


def _bounds(first: str, query: Query, after: Cursor | None) -> tuple[list[str], Args]:
    """Written so that the index is read from the place on, as neither server does for (a, b) < (x, y)."""
    conditions, args = [], list[object]()
    if after is not None:
        at = after.created_at.replace(tzinfo=None)
        conditions.append(f"{first}.created_at <= %s AND ({first}.created_at < %s OR {first}.image_key < %s)")
        args += [at, at, after.key]
    for moment, sign in ((query.since, ">="), (query.before, "<")):
        if moment is not None:
            conditions.append(f"{first}.created_at {sign} %s")
            args.append(moment.replace(tzinfo=None))
    return conditions, tuple(args)
