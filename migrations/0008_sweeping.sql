-- What is made of an image counts against its owner's quota; how often a job was tried; what the sweeper found, and how
-- far it is. UTC_TIMESTAMP(6) is the only clock. MySQL has no IF NOT EXISTS for columns and indexes, so each asks first.

SET @change = (
    SELECT IF(COUNT(*) = 0, 'ALTER TABLE jobs ADD tries INT UNSIGNED NOT NULL DEFAULT 0', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'jobs' AND column_name = 'tries'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

-- The sweeper walks through objects and rows side by side, in the order of object keys.
SET @change = (
    SELECT IF(COUNT(*) = 0, 'CREATE INDEX renditions_object ON renditions (object_key)', 'DO 0')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'renditions' AND index_name = 'renditions_object'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

UPDATE owners SET bytes =
    (SELECT COALESCE(SUM(i.size), 0) FROM images i WHERE i.owner_id = owners.id)
    + (SELECT COALESCE(SUM(r.size), 0) FROM renditions r WHERE r.owner_id = owners.id AND r.state = 'ready');

-- The one row of the sweep that is under way, or of the last one: `state` is JSON, `version` lets one run go on from it.
CREATE TABLE IF NOT EXISTS sweeps (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    version BIGINT UNSIGNED NOT NULL,
    state MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO sweeps (id, version, state) VALUES (1, 0, '{}');

-- What does not belong together: suspected while a sweep looks, then what became of it. `owner_id` and `image_key` are
-- those of a row, where there is one. Nothing here refers to owners: a finding may outlive them.
CREATE TABLE IF NOT EXISTS findings (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    words TEXT NOT NULL,
    owner_id BINARY(16) NULL,
    image_key VARBINARY(1020) NULL,
    sweep BIGINT UNSIGNED NOT NULL,
    found_at DATETIME(6) NOT NULL,
    changed_at DATETIME(6) NOT NULL,
    UNIQUE KEY findings_object (object_key, kind),
    INDEX findings_state (state, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
