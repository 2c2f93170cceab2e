-- Owners, their images, the fleet map, settings, and jobs. Keys are VARBINARY: their exact UTF-8, trailing spaces too.
-- MySQL commits each CREATE by itself, so a migration that was killed half-way runs again: each statement allows that.

CREATE TABLE IF NOT EXISTS owners (
    id BINARY(16) NOT NULL PRIMARY KEY,
    name VARBINARY(255) NOT NULL UNIQUE,
    version BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS images (
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    sha256 BINARY(32) NOT NULL,
    size INT UNSIGNED NOT NULL,
    media_type VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    width INT UNSIGNED NOT NULL,
    height INT UNSIGNED NOT NULL,
    frames INT UNSIGNED NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (owner_id, image_key),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS fleet_maps (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    version BIGINT UNSIGNED NOT NULL,
    body MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS settings (
    name VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    version BIGINT UNSIGNED NOT NULL,
    body MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS jobs (
    id BINARY(16) NOT NULL PRIMARY KEY,
    kind VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    body MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    due_at DATETIME(6) NOT NULL,
    claimed_at DATETIME(6) NULL,
    sent_at DATETIME(6) NULL,
    sent_times INT UNSIGNED NOT NULL DEFAULT 0,
    INDEX jobs_due (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO fleet_maps (id, version, body) VALUES (1, 0, '{"nodes": [], "assignment": []}');

-- The one built-in owner until there are accounts. Its id is random, as every owner's.
INSERT IGNORE INTO owners (id, name, version, created_at) VALUES (RANDOM_BYTES(16), 'demo', 0, UTC_TIMESTAMP(6));
