"""The SQL is common to MySQL 8 and MariaDB: what only one of them has, or means differently, is not used."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SOURCES = [*(PROJECT / "chalicelib/adapters/mysql").glob("*.py"), *(PROJECT / "migrations").glob("*.sql")]

ONLY_ONE_OF_THEM = {
    r"\bRETURNING\b": "MySQL has no RETURNING",
    r"ON\s+DUPLICATE\s+KEY\s+UPDATE.*\bVALUES\s*\(": "VALUES() there is deprecated in MySQL",
    r"\b(NEXT\s+VALUE\s+FOR|CREATE\s+SEQUENCE)\b": "MySQL has no sequences",
    r"\bSKIP\s+LOCKED\b|\bFOR\s+SHARE\b": "MariaDB 10.5 has neither",
    r"JSON_\w+\s*\(|->>?|\bJSON\b\s+(NOT\s+)?NULL": "JSON is a type in one and a text in the other",
    r"\bUUID_TO_BIN\b|\bBIN_TO_UUID\b": "MariaDB has no UUID_TO_BIN",
    r"utf8mb4_0900|uca1400": "a collation of one of them",
    r"\bIF\s+(NOT\s+)?EXISTS\b(?=.*\bCOLUMN\b)": "MySQL has no ADD COLUMN IF NOT EXISTS",
    r"\bVISIBLE\b|\bINVISIBLE\b": "written differently",
    r"\bNOW\(|\bCURRENT_TIMESTAMP\b|\bSYSDATE\b": "UTC_TIMESTAMP(6) is the only clock",
}


def texts_of(source: Path) -> list[str]:
    """The SQL in a file: all of an .sql file without comments, every string but docstrings of a .py file."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".sql":
        return [re.sub(r"--.*", "", text)]
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]


def faults_in(text: str) -> list[str]:
    """What in the text only one of the two servers understands."""
    return [why for pattern, why in ONLY_ONE_OF_THEM.items() if re.search(pattern, text, re.IGNORECASE | re.DOTALL)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_sql_is_common_to_both(source: Path) -> None:
    assert [fault for text in texts_of(source) for fault in faults_in(text)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM jobs WHERE id = %s RETURNING body",
        "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "SELECT body->>'$.mode' FROM settings",
        "SELECT id FROM jobs FOR UPDATE SKIP LOCKED",
        "UPDATE jobs SET sent_at = NOW(6)",
    ],
)
def test_what_only_one_of_them_has_is_seen(sql: str) -> None:
    assert faults_in(sql)


def test_every_table_names_its_engine_charset_and_collation() -> None:
    for source in (PROJECT / "migrations").glob("*.sql"):
        for table in re.findall(r"CREATE TABLE.*?;", source.read_text(encoding="utf-8"), re.DOTALL):
            if "LIKE images" in table:
                continue  # all of it as images has it
            assert "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin" in table
