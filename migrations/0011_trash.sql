-- The trash: rows of images that were put there, by an id of their own, so that their keys are free. And downloads: zips
-- that the worker makes of an owner's images. UTC_TIMESTAMP(6) is the only clock.

-- Every column of images, and three more. What hangs on an image by its key (renditions, tags) stays in its own table
-- under the key 0x00 followed by the id in hexadecimal: no key that a person can give begins so. `batch_id` is common to
-- what went in by one action.
CREATE TABLE IF NOT EXISTS trashed_images LIKE images;

SET @change = (
    SELECT IF(COUNT(*) = 0,
        'ALTER TABLE trashed_images DROP PRIMARY KEY, ADD id BINARY(16) NOT NULL PRIMARY KEY FIRST, ADD batch_id BINARY(16) NOT NULL, ADD trashed_at DATETIME(6) NOT NULL, ADD INDEX trashed_images_owner (owner_id, trashed_at, id), ADD INDEX trashed_images_batch (owner_id, batch_id), ADD INDEX trashed_images_due (trashed_at), ADD FOREIGN KEY (owner_id) REFERENCES owners (id)',
        'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'trashed_images' AND column_name = 'trashed_at'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;

-- `what` is selection or export; `image_keys` are those of a selection. `images` and `bytes` are what there was when it
-- was asked for, `images_done` and `bytes_done` how far it is. `turn` counts the worker's stretches and fences them,
-- `making` is where the next one goes on, `why` says why there will be none.
CREATE TABLE IF NOT EXISTS downloads (
    id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id BINARY(16) NOT NULL,
    what VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    image_keys MEDIUMTEXT NULL,
    images BIGINT UNSIGNED NOT NULL,
    bytes BIGINT UNSIGNED NOT NULL,
    images_done BIGINT UNSIGNED NOT NULL DEFAULT 0,
    bytes_done BIGINT UNSIGNED NOT NULL DEFAULT 0,
    missing BIGINT UNSIGNED NOT NULL DEFAULT 0,
    turn BIGINT UNSIGNED NOT NULL DEFAULT 0,
    making MEDIUMTEXT NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    why TEXT NULL,
    asked_at DATETIME(6) NOT NULL,
    INDEX downloads_owner (owner_id, asked_at),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- `made_at` is NULL until the whole object is there. The job that removes it is owed from its beginning.
CREATE TABLE IF NOT EXISTS download_zips (
    download_id BINARY(16) NOT NULL,
    number INT UNSIGNED NOT NULL,
    object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    images INT UNSIGNED NOT NULL DEFAULT 0,
    size BIGINT UNSIGNED NOT NULL DEFAULT 0,
    made_at DATETIME(6) NULL,
    ends_at DATETIME(6) NOT NULL,
    PRIMARY KEY (download_id, number),
    FOREIGN KEY (download_id) REFERENCES downloads (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
