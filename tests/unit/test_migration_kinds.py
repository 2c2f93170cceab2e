"""Which migrations the release before runs on, and that each migration says so by its name."""

from pathlib import Path

import pytest

from ops.migration_kinds import Kind, acts_in, faults_of, kind_of, kinds_in, migration_files

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.mark.parametrize("path", migration_files(MIGRATIONS), ids=lambda path: path.stem)
def test_a_migration_is_of_one_kind_and_named_so(path: Path) -> None:
    """Before it goes red here: what contracts is a migration named NNNN_contract_…, applied a release later."""
    assert faults_of(path.stem, path.read_text(encoding="utf-8")) == []


def test_every_migration_is_found() -> None:
    assert list(kinds_in(MIGRATIONS))[:2] == ["0001_images", "0002_fleet"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE IF NOT EXISTS t (a INT NOT NULL, UNIQUE KEY u (a));",
        "ALTER TABLE t ADD a INT NULL",
        "ALTER TABLE t ADD COLUMN a VARCHAR(9) NOT NULL DEFAULT '', ADD INDEX i (a, b), ALGORITHM=INPLACE, LOCK=NONE",
        "CREATE INDEX i ON t (a)",
        "SET @c = (SELECT IF(COUNT(*) = 0, 'ALTER TABLE t ADD a INT NULL', 'DO 0') FROM x); PREPARE c FROM @c",
        # What is new in the same migration is unknown to any older release.
        "CREATE TABLE IF NOT EXISTS t LIKE images; ALTER TABLE t DROP PRIMARY KEY, ADD id INT NOT NULL PRIMARY KEY",
        "CREATE TABLE t (a INT); SET @c = 'ALTER TABLE t ADD b INT NOT NULL'; CREATE UNIQUE INDEX i ON t (a)",
    ],
)
def test_what_an_older_release_does_not_notice_expands(sql: str) -> None:
    assert {act.kind for act in acts_in(sql)} == {Kind.EXPAND}
    assert faults_of("0099_more", sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD a INT NOT NULL",
        "ALTER TABLE t ADD a INT NULL, ADD b DATETIME(6) NOT NULL",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE `t` DROP `a`",
        "ALTER TABLE t DROP INDEX i",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t CHANGE a b INT NULL",
        "ALTER TABLE t MODIFY a VARCHAR(9) NULL",
        "ALTER TABLE t ALTER a DROP DEFAULT",
        "ALTER TABLE t ADD UNIQUE KEY u (a)",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id)",
        "ALTER TABLE t ADD a INT NULL REFERENCES u (id)",
        "ALTER TABLE t ADD (a INT NOT NULL)",
        "ALTER TABLE t\n    ADD a INT NULL, -- one more\n    DROP b",
        "CREATE UNIQUE INDEX i ON t (a)",
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
        "DROP TABLE t",
        "DROP INDEX i ON t",
        "RENAME TABLE t TO u",
        "TRUNCATE t",
        "DELETE FROM t WHERE a = 1",
        "SET @c = (SELECT IF(COUNT(*) > 0, 'ALTER TABLE t DROP COLUMN a', 'DO 0') FROM x)",
        "/* a way that nobody foresaw */ OPTIMIZE TABLE t",
    ],
)
def test_what_an_older_release_may_not_bear_contracts(sql: str) -> None:
    assert Kind.CONTRACT in {act.kind for act in acts_in(sql)}
    assert kind_of("0099_more", sql) is Kind.CONTRACT  # whatever it is named
    assert "NNNN_contract_" in faults_of("0099_more", sql)[0]


def test_words_in_texts_and_comments_do_nothing() -> None:
    sql = "-- DROP TABLE t; the owner's\n/* ; DROP TABLE t */ INSERT INTO t VALUES ('a; DROP TABLE t', \"it''s\");"
    assert acts_in(sql) == []


def test_one_that_contracts_does_nothing_else() -> None:
    assert faults_of("0099_contract_t", "ALTER TABLE t DROP a") == []
    assert "of its own" in faults_of("0099_contract_t", "ALTER TABLE t DROP a, ADD b INT NULL")[0]
    assert "contracts nothing" in faults_of("0099_contract_t", "CREATE TABLE t (a INT)")[0]
    assert kind_of("0099_contract_t", "UPDATE t SET a = 1") is Kind.CONTRACT
