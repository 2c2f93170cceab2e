-- Accounts that their owners asked to erase: until when the asking can be withdrawn, and the receipt of what was erased.
-- UTC_TIMESTAMP(6) is the only clock. MySQL has no IF NOT EXISTS for columns, so it is asked first.

-- `state` is asked, begun or done. `receipt` is JSON: counts, and nothing of a person's. `email` is forgotten once the
-- receipt was mailed to it. Nothing here refers to owners: the receipt outlives them. Of the receipt's link only the
-- SHA-256 is kept.
CREATE TABLE IF NOT EXISTS erasures (
    id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id BINARY(16) NOT NULL UNIQUE,
    receipt_hash BINARY(32) NOT NULL UNIQUE,
    email VARBINARY(254) NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    asked_at DATETIME(6) NOT NULL,
    due_at DATETIME(6) NOT NULL,
    done_at DATETIME(6) NULL,
    receipt MEDIUMTEXT NOT NULL,
    loose_keys MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- From when on the account is erased; it is disabled from the moment of asking.
SET @change = (
    SELECT IF(COUNT(*) = 0, 'ALTER TABLE accounts ADD erase_at DATETIME(6) NULL', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'erase_at'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;
