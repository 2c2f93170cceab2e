-- Albums, which hold images in an order, and links by which an image or an album is shared.
-- Both hang on an image by its owner and key, as renditions and tags do: whoever deletes an image deletes them, whoever
-- gives it another key changes them, and rows without an image are seen by nobody. A deleted album takes its links with
-- it and leaves its images. Of a link only the SHA-256 of its token is kept. UTC_TIMESTAMP(6) is the only clock.

-- `cover` is the id of one of its rows in album_images; if there is none, the first image is the cover.
CREATE TABLE IF NOT EXISTS albums (
    id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id BINARY(16) NOT NULL,
    title VARCHAR(200) NOT NULL,
    cover BINARY(16) NULL,
    created_at DATETIME(6) NOT NULL,
    INDEX albums_owner (owner_id, created_at, id),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- `id` is random: it names the image to whoever has a link, who never sees its key. `place` orders the images.
CREATE TABLE IF NOT EXISTS album_images (
    id BINARY(16) NOT NULL PRIMARY KEY,
    album_id BINARY(16) NOT NULL,
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    place INT UNSIGNED NOT NULL,
    UNIQUE KEY album_images_image (album_id, image_key),
    INDEX album_images_place (album_id, place),
    INDEX album_images_owner (owner_id, image_key),
    FOREIGN KEY (album_id) REFERENCES albums (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Of an album or of an image: one of the two is NULL. `password` is a slow hash, NULL where none is asked for.
CREATE TABLE IF NOT EXISTS shares (
    id BINARY(16) NOT NULL PRIMARY KEY,
    token_hash BINARY(32) NOT NULL UNIQUE,
    owner_id BINARY(16) NOT NULL,
    album_id BINARY(16) NULL,
    image_key VARBINARY(1020) NULL,
    title VARCHAR(200) NOT NULL,
    password VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL,
    downloads TINYINT UNSIGNED NOT NULL,
    created_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NULL,
    views BIGINT UNSIGNED NOT NULL DEFAULT 0,
    viewed_at DATETIME(6) NULL,
    INDEX shares_owner (owner_id, created_at, id),
    INDEX shares_image (owner_id, image_key),
    FOREIGN KEY (owner_id) REFERENCES owners (id),
    FOREIGN KEY (album_id) REFERENCES albums (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
