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
    r"\bFOR\s+UPDATE\s+(OF|WAIT)\b": "one has OF, the other WAIT",
    r"\bVALUES\s*\([^;]*\)\s*AS\s+\w+\s+ON\s+DUPLICATE": "MariaDB has no alias of the new row",
    r"\bVALUES\s+ROW\s*\(|\bLATERAL\b": "MariaDB has neither",
    r"\bSET\s+STATEMENT\b|\bEXECUTE\s+IMMEDIATE\b|\bseq_\d+_to_\d+": "MySQL has none of them",
    r"\bCREATE\s+OR\s+REPLACE\s+(TABLE|INDEX|USER)\b": "MySQL has no OR REPLACE there",
    r"\b(CREATE|DROP)\s+(UNIQUE\s+)?INDEX\s+IF\b": "MySQL has no IF EXISTS for indexes",
    r"\b(ADD|DROP|MODIFY|CHANGE)\s+(COLUMN\s+|INDEX\s+|KEY\s+|CONSTRAINT\s+|FOREIGN\s+KEY\s+)?IF\b": (
        "MySQL has no IF EXISTS for parts of a table"
    ),
    r"\bDELETE\s+FROM\s+\w+\s+(AS\s+\w+|(?!WHERE\b|USING\b|ORDER\b|LIMIT\b)\w+)": "MariaDB has no alias there",
    r"\b(TINYINT|SMALLINT|MEDIUMINT|INT|INTEGER|BIGINT)\s*\(": "MySQL deprecates the width",
    r"\b(INET4|INET6|UUID)\s+(NOT\s+)?NULL\b|\bUUID\s*\(|\bPERSISTENT\b": "types and values of one of them",
    r"\bDEFAULT\s+[A-Z_]+\s*\(": "MySQL wants the expression in parentheses",
    r"\b(R?LIKE\s+BINARY|RLIKE|REGEXP\w*)\b": "two libraries of patterns",
    r"\bPASSWORD\s*\(|\bSQL_CALC_FOUND_ROWS\b|\bFOUND_ROWS\s*\(": "gone in MySQL 8, or going",
    r"\b(tx_isolation|transaction_isolation|max_statement_time|max_execution_time)\b": "one of them calls it otherwise",
    r"\b(SHOW|START|STOP|RESET)\s+(SLAVE|REPLICA)\b|\bCHANGE\s+MASTER\b": "written differently",
    r"\butf8\b|\butf8mb3\b": "utf8 is one encoding here and another there",
    r"\|\|": "OR here, joining of texts there, by sql_mode",
    r"\bUPDATE\s+(\w+)\s+SET\b[^;]*\bFROM\s+\1\b": "MySQL does not read the table that it changes",
    r"\bDELETE\s+FROM\s+(\w+)\b[^;]*\bFROM\s+\1\b": "MySQL does not read the table that it changes",
    r"JSON_\w+\s*\(|->>?|\bJSON\b\s+(NOT\s+)?NULL": "JSON is a type in one and a text in the other",
    r"\bUUID_TO_BIN\b|\bBIN_TO_UUID\b": "MariaDB has no UUID_TO_BIN",
    r"utf8mb4_0900|uca1400": "a collation of one of them",
    r"\bIF\s+(NOT\s+)?EXISTS\b(?=.*\bCOLUMN\b)": "MySQL has no ADD COLUMN IF NOT EXISTS",
    r"\bVISIBLE\b|\bINVISIBLE\b": "written differently",
    r"\bNOW\(|\bCURRENT_TIMESTAMP\b|\bSYSDATE\b": "UTC_TIMESTAMP(6) is the only clock",
}

# Words that MySQL 8.4 reserves, and MariaDB 10.11 most of them not: no name of a table or column.
_RESERVED = (
    "cube cume_dist dense_rank empty except first_value function generated grouping groups intersect json_table lag "
    "last_value lateral lead manual nth_value ntile of optimizer_costs parallel percent_rank qualify rank recursive "
    "row_number stored system tablesample virtual window"
)
RESERVED_BY_ONE = set(_RESERVED.split())
_NAMES = re.compile(r"^\s{4}(\w+) (?:[A-Z]+)", re.MULTILINE)


def names_in(sql: str) -> set[str]:
    """The tables and columns that a migration makes, in small letters; words of the language may be among them."""
    tables = re.findall(r"\bTABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", sql, re.IGNORECASE)
    added = re.findall(r"\bADD\s+(?:COLUMN\s+)?(\w+)", sql, re.IGNORECASE)
    return {name.lower() for name in [*tables, *added, *_NAMES.findall(sql)]}


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
        "SELECT id FROM jobs FOR UPDATE OF jobs",
        "INSERT INTO t (a) VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a",
        "SELECT * FROM (VALUES ROW(1), ROW(2)) v",
        "SET STATEMENT max_statement_time=1 FOR SELECT 1",
        "SELECT seq FROM seq_1_to_10",
        "CREATE OR REPLACE TABLE t (a INT)",
        "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT",
        "ALTER TABLE t DROP FOREIGN KEY IF EXISTS f",
        "DELETE FROM jobs AS j WHERE j.id = 1",
        "DELETE FROM jobs j WHERE j.id = 1",
        "CREATE TABLE t (a INT(11))",
        "CREATE TABLE t (a UUID NOT NULL)",
        "CREATE TABLE t (a BINARY(16) DEFAULT RANDOM_BYTES(16))",
        "SELECT 1 FROM t WHERE a REGEXP 'x'",
        "SET PASSWORD = PASSWORD('x')",
        "SET SESSION tx_isolation = 'READ-COMMITTED'",
        "SHOW SLAVE STATUS",
        "CREATE TABLE t (a INT) DEFAULT CHARSET=utf8",
        "SELECT 'a' || 'b'",
        "UPDATE jobs SET due_at = (SELECT MAX(due_at) FROM jobs)",
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE claimed_at IS NULL)",
    ],
)
def test_what_only_one_of_them_has_is_seen(sql: str) -> None:
    assert faults_in(sql)


def test_no_name_is_a_word_that_one_of_them_reserves() -> None:
    names = {name for source in (PROJECT / "migrations").glob("*.sql") for name in names_in(texts_of(source)[0])}
    assert {"owners", "image_key", "quota_bytes"} <= names  # they were found
    assert names & RESERVED_BY_ONE == set()


def test_a_reserved_name_is_seen() -> None:
    sql = "CREATE TABLE IF NOT EXISTS groups (\n    rank INT NOT NULL\n);\nALTER TABLE t ADD lead INT NULL;"
    assert names_in(sql) & RESERVED_BY_ONE == {"groups", "rank", "lead"}


def test_every_table_names_its_engine_charset_and_collation() -> None:
    for source in (PROJECT / "migrations").glob("*.sql"):
        for table in re.findall(r"CREATE TABLE.*?;", source.read_text(encoding="utf-8"), re.DOTALL):
            if "LIKE images" in table:
                continue  # all of it as images has it
            assert "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin" in table
