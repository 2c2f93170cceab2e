-- What admins do: the audit log, quotas and what they are held against, and dumps of the database.
-- UTC_TIMESTAMP(6) is the only clock. MySQL has no IF NOT EXISTS for columns and indexes, so each asks first.

-- `deed` is random: by it a transaction that is run again finds its own earlier success. `outcome` is begun until the
-- deed is concluded.
CREATE TABLE IF NOT EXISTS audit (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    deed BINARY(16) NOT NULL UNIQUE,
    at DATETIME(6) NOT NULL,
    actor_email VARBINARY(254) NOT NULL,
    what VARCHAR(100) NOT NULL,
    about TEXT NOT NULL,
    outcome VARCHAR(100) NOT NULL,
    address VARCHAR(100) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The rows outlive their objects, whose keys lead nowhere afterwards.
CREATE TABLE IF NOT EXISTS dumps (
    id BINARY(16) NOT NULL PRIMARY KEY,
    deed BINARY(16) NOT NULL,
    actor_email VARBINARY(254) NOT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    asked_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    done_at DATETIME(6) NULL,
    row_count BIGINT UNSIGNED NULL,
    size BIGINT UNSIGNED NULL,
    INDEX dumps_asked (asked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- NULL: as much as there is room for.
SET @change = (
    SELECT IF(COUNT(*) = 0, 'ALTER TABLE accounts ADD quota_bytes BIGINT UNSIGNED NULL', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'quota_bytes'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

SET @change = (
    SELECT IF(COUNT(*) = 0, 'CREATE INDEX accounts_admin ON accounts (admin)', 'DO 0')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'accounts' AND index_name = 'accounts_admin'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

-- How many images the owner has and what they and what is made of them take, changed in the transactions that change
-- those, under the owner's lock.
SET @change = (
    SELECT IF(COUNT(*) = 0,
        'ALTER TABLE owners ADD images BIGINT NOT NULL DEFAULT 0, ADD bytes BIGINT NOT NULL DEFAULT 0', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'owners' AND column_name = 'bytes'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

UPDATE owners SET
    images = (SELECT COUNT(*) FROM images i WHERE i.owner_id = owners.id),
    bytes = (SELECT COALESCE(SUM(i.size), 0) FROM images i WHERE i.owner_id = owners.id);

-- Uploads read this row under a lock that the one who blocks them waits for, so it is there from the beginning.
INSERT IGNORE INTO settings (name, version, body) VALUES ('uploads', 1, '{}');
