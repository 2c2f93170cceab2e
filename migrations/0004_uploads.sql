-- Uploads straight from the browser to S3, and answers kept for requests that carry an Idempotency-Key.
-- UTC_TIMESTAMP(6) is the only clock.

-- `state` is waiting, done or refused. `object_key`, `sha256` and `duplicate_of` (another key of the owner's that has the
-- same bytes) are those of an upload that is done, `refusal` says why in words.
CREATE TABLE IF NOT EXISTS uploads (
    id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    incoming_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    media_type VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    size_limit INT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    refusal TEXT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL,
    sha256 BINARY(32) NULL,
    duplicate_of VARBINARY(1020) NULL,
    created_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    INDEX uploads_owner_end (owner_id, ends_at),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    owner_id BINARY(16) NOT NULL,
    key_hash BINARY(32) NOT NULL,
    request_hash BINARY(32) NOT NULL,
    answer MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (owner_id, key_hash),
    INDEX idempotency_keys_created (owner_id, created_at),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Finds an owner's other images with the same bytes. MySQL has no CREATE INDEX IF NOT EXISTS.
SET @by_content = (
    SELECT IF(COUNT(*) = 0, 'CREATE INDEX images_content ON images (owner_id, sha256)', 'DO 0')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'images' AND index_name = 'images_content'
);
PREPARE by_content FROM @by_content;
EXECUTE by_content;
DEALLOCATE PREPARE by_content;
