-- What the scaler keeps: its run number, which fences it; launches, written before they are asked for; decisions; and
-- what its last run saw of the fleet.

CREATE TABLE IF NOT EXISTS scaler_runs (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    run BIGINT UNSIGNED NOT NULL,
    report MEDIUMTEXT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS launches (
    intent BINARY(16) NOT NULL PRIMARY KEY,
    run BIGINT UNSIGNED NOT NULL,
    created_at DATETIME(6) NOT NULL,
    instance_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- `minute` is NULL for a change by hand: a unique index takes any number of those.
CREATE TABLE IF NOT EXISTS decisions (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    minute BIGINT UNSIGNED NULL UNIQUE,
    decided_at DATETIME(6) NOT NULL,
    run BIGINT UNSIGNED NOT NULL,
    rule VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason TEXT NOT NULL,
    nodes_before INT UNSIGNED NOT NULL,
    target INT UNSIGNED NOT NULL,
    inputs MEDIUMTEXT NOT NULL,
    outcome TEXT NOT NULL,
    INDEX decisions_decided (decided_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO scaler_runs (id, run) VALUES (1, 0);
