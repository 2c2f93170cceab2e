-- What else is known of an image: its owner's caption, and what looking at its bytes told.
-- What was seen is that of the original named by `seen_object_key`; `taken_at` is the camera's clock, of no known zone.

CREATE TABLE IF NOT EXISTS image_details (
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    caption VARCHAR(500) NOT NULL DEFAULT '',
    seen_object_key VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL,
    colour VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
    camera VARCHAR(50) NULL,
    taken_at DATETIME NULL,
    PRIMARY KEY (owner_id, image_key),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
