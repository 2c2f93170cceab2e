-- A dump of the database is made in stretches: whose turn it is, where the next one goes on, and why it failed if it did.
-- MySQL has no IF NOT EXISTS for columns, so it is asked first.

-- `making` is JSON, and with `rest`, the bytes that are no whole part yet, NULL again once the dump is made or failed.
SET @change = (
    SELECT IF(COUNT(*) = 0,
        'ALTER TABLE dumps ADD turn INT UNSIGNED NOT NULL DEFAULT 0, ADD making MEDIUMTEXT NULL, ADD rest MEDIUMBLOB NULL, ADD why TEXT NULL',
        'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'dumps' AND column_name = 'making'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;
