"""Whether a migration expands the tables, so that the release before runs on them too, or contracts them. Pure.

An upgrade applies what expands before the new release is switched to, and what contracts only once no older release
runs. A migration that contracts says so in its file's name: NNNN_contract_WORDS.sql. Whatever is not known to leave the
release before alone contracts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_PIECE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `[^`]*`  # texts and names
    | --[^\n]* | \#[^\n]* | /\*.*?\*/  # comments
    | [;,()] | [^'"`;,()/\#-]+ | .""",
    re.DOTALL | re.VERBOSE,
)
_COMMENTS = ("--", "#", "/*")
# What changes no table: rows that are filled in, and the way in which migrations ask before they change.
_NEUTRAL = re.compile(r"(INSERT (IGNORE )?INTO|UPDATE|SELECT|DO|PREPARE|EXECUTE|DEALLOCATE PREPARE)\b", re.IGNORECASE)
_CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)", re.IGNORECASE)
_ALTERED = re.compile(r"(ALTER TABLE|CREATE (?:UNIQUE )?INDEX [\w`]+ ON) ([\w`]+)", re.IGNORECASE)
_CHANGE = re.compile(r"\s*(ALTER|CREATE|DROP|RENAME|TRUNCATE|DELETE|REPLACE)\b", re.IGNORECASE)
_ADDED_INDEX = re.compile(r"ADD (FULLTEXT )?(INDEX|KEY)\b", re.IGNORECASE)
_ADDED_COLUMN = re.compile(
    r"ADD (COLUMN )?(?!(?:UNIQUE|PRIMARY|FOREIGN|CONSTRAINT|CHECK|SPATIAL|PARTITION|PERIOD|SYSTEM|COLUMN)\b)(\w+) \w",
    re.IGNORECASE,
)
_HOW = re.compile(r"(ALGORITHM|LOCK)\b", re.IGNORECASE)


class Kind(StrEnum):
    """What a migration, or one statement of it, does to the release before."""

    EXPAND = "expand"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Act:
    """A change of a table. `words` say what an older release would miss, or would be refused."""

    kind: Kind
    words: str


def kinds_in(folder: Path) -> dict[str, Kind]:
    """Of each migration in the folder, by its id, in their order."""
    return {path.stem: kind_of(path.stem, path.read_text(encoding="utf-8")) for path in migration_files(folder)}


def migration_files(folder: Path) -> list[Path]:
    """In their order, without those that undo one."""
    return sorted(path for path in folder.glob("*.sql") if not path.name.endswith(".rollback.sql"))


def named_contract(name: str) -> bool:
    """Whether the name says that it contracts."""
    return re.match(r"\d+_contract_", name) is not None


def kind_of(name: str, sql: str) -> Kind:
    """By what it says, or does."""
    contracts = named_contract(name) or any(act.kind is Kind.CONTRACT for act in acts_in(sql))
    return Kind.CONTRACT if contracts else Kind.EXPAND


def faults_of(name: str, sql: str) -> list[str]:
    """Why a migration cannot be applied by an upgrade as it is, in words for its author; none if it can."""
    acts = acts_in(sql)
    contracting = [act.words for act in acts if act.kind is Kind.CONTRACT]
    expanding = [act.words for act in acts if act.kind is Kind.EXPAND]
    if not named_contract(name):
        return [f"{words}: move it to a migration named NNNN_contract_…" for words in contracting]
    if not contracting:
        return ["it is named as one that contracts, and contracts nothing"]
    return [f"{words}: move it to a migration of its own, which is applied before" for words in expanding]


def acts_in(sql: str) -> list[Act]:
    """Every change of a table in the text, also those in texts that it prepares."""
    statements = list(_statements(sql))
    made = {found[1].lower() for one in statements if (found := _CREATED.match(_joined(one)))}
    return [act for statement in statements for act in _acts_of(statement, made)]


def _acts_of(statement: list[str], made: set[str]) -> Iterator[Act]:
    """`made` are the tables that the same migration makes: no older release knows them."""
    text = _joined(statement)
    altered = _ALTERED.match(text)
    if altered and altered[2].strip("`").lower() in made:
        yield Act(Kind.EXPAND, f"makes something new ({_short(text)})")
    elif re.match(r"SET @", text, re.IGNORECASE):
        for piece in statement:
            if piece[0] in ("'", '"') and _CHANGE.match(piece[1:-1]):
                for inner in _statements(piece[1:-1].replace("''", "'")):
                    yield from _acts_of(inner, made)
    elif re.match(r"CREATE TABLE\b", text, re.IGNORECASE) or re.match(
        r"CREATE (FULLTEXT )?INDEX\b", text, re.IGNORECASE
    ):
        yield Act(Kind.EXPAND, f"makes something new ({_short(text)})")
    elif re.match(r"ALTER TABLE [\w`.]+ ", text, re.IGNORECASE):
        yield from (_alteration(_joined(clause)) for clause in _clauses(statement))
    elif not _NEUTRAL.match(text):
        yield Act(Kind.CONTRACT, f"does what an older release may not bear ({_short(text)})")


def _alteration(clause: str) -> Act:
    """Of one clause of an ALTER TABLE."""
    if _ADDED_INDEX.match(clause) or _HOW.match(clause):
        return Act(Kind.EXPAND, f"makes something new ({_short(clause)})")
    bound = re.search(r"\b(UNIQUE|PRIMARY|REFERENCES|CHECK)\b", clause, re.IGNORECASE)
    filled = not re.search(r"\bNOT NULL\b", clause, re.IGNORECASE) or re.search(r"\bDEFAULT\b", clause, re.IGNORECASE)
    if _ADDED_COLUMN.match(clause) and filled and not bound:
        return Act(Kind.EXPAND, f"makes something new ({_short(clause)})")
    if _ADDED_COLUMN.match(clause) and not bound:
        return Act(Kind.CONTRACT, f"adds a column that an older release would have to fill ({_short(clause)})")
    return Act(Kind.CONTRACT, f"does what an older release may not bear ({_short(clause)})")


def _statements(sql: str) -> Iterator[list[str]]:
    """Their pieces, without comments: texts in quotes whole, marks by themselves."""
    current: list[str] = []
    for piece in _PIECE.findall(sql):
        if piece.startswith(_COMMENTS):
            current.append(" ")
        elif piece == ";":
            if _joined(current):
                yield current
            current = []
        else:
            current.append(piece)
    if _joined(current):
        yield current


def _clauses(statement: list[str]) -> Iterator[list[str]]:
    """What stands between the commas of an ALTER TABLE, without the table's name."""
    depth, current = 0, [re.sub(r"^\s*ALTER\s+TABLE\s+[\w.]*\s*", "", statement[0], flags=re.IGNORECASE)]
    rest = statement[1:]
    if rest and rest[0].startswith("`") and not current[0]:
        rest = rest[1:]  # the table's name in quotes
    for piece in rest:
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            yield current
            current = []
        else:
            current.append(piece)
    yield current


def _joined(pieces: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join("''" if piece[:1] in ("'", '"') else piece for piece in pieces)).strip()


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
