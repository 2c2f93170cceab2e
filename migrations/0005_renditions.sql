-- What is made of an image, one row for each kind, and the tags of an image.
-- A row is due from the moment the image is; it names the original that it is made of, and its own object once ready.

CREATE TABLE IF NOT EXISTS renditions (
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    kind VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    source_object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sha256 BINARY(32) NULL,
    width INT UNSIGNED NOT NULL DEFAULT 0,
    height INT UNSIGNED NOT NULL DEFAULT 0,
    size INT UNSIGNED NOT NULL DEFAULT 0,
    media_type VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    why TEXT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (owner_id, image_key, kind),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A tag that was found automatically and removed by a person stays here as removed, so that it is not found again.
CREATE TABLE IF NOT EXISTS image_tags (
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    tag VARCHAR(50) NOT NULL,
    source VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    removed TINYINT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, image_key, tag),
    INDEX image_tags_tag (owner_id, tag, image_key),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Images that were there before renditions were get theirs, by jobs that are due at once.
INSERT IGNORE INTO renditions (owner_id, image_key, kind, source_object_key, object_key, media_type, state, created_at)
SELECT i.owner_id, i.image_key, k.kind, i.object_key, CONCAT('renditions', SUBSTRING(i.object_key, 10), '/', k.kind),
    'image/webp', 'due', UTC_TIMESTAMP(6)
FROM images i
CROSS JOIN (SELECT 'thumbnail' AS kind UNION ALL SELECT 'preview' UNION ALL SELECT 'flipped') k;

INSERT IGNORE INTO jobs (id, kind, body, created_at, due_at)
SELECT UNHEX(LEFT(SHA2(i.object_key, 256), 32)), 'render',
    CONCAT('["', LOWER(HEX(i.owner_id)), '", "', LOWER(HEX(i.image_key)), '", "', i.object_key,
        '", ["thumbnail", "preview", "flipped"]]'),
    UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
FROM images i;
