-- What images are found by. Each image has a row for every term: a prefix of a word of its key or caption, a tag, a year
-- in which it was taken. The terms' own order is owner, term, time of upload, so a search is one range of the key, read
-- backwards, newest first; and whether an image has a term too is one look-up by the same key.
-- No foreign keys on image_terms and owner_terms: they would be looked at for each of some twenty rows of a write, whose
-- owner's row is locked anyhow.

CREATE TABLE IF NOT EXISTS image_terms (
    owner_id BINARY(16) NOT NULL,
    term VARBINARY(201) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    PRIMARY KEY (owner_id, term, created_at, image_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- By which words and tags an image was put into image_terms: what is to be taken out again when it changes.
CREATE TABLE IF NOT EXISTS indexed_images (
    owner_id BINARY(16) NOT NULL,
    image_key VARBINARY(1020) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    words TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (owner_id, image_key),
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The whole words and tags of an owner's, and how many images have each: what is suggested.
CREATE TABLE IF NOT EXISTS owner_terms (
    owner_id BINARY(16) NOT NULL,
    term VARBINARY(201) NOT NULL,
    images INT NOT NULL,
    PRIMARY KEY (owner_id, term)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The gallery, newest first. MySQL has no CREATE INDEX IF NOT EXISTS.
SET @newest = (
    SELECT IF(COUNT(*) = 0, 'CREATE INDEX images_newest ON images (owner_id, created_at, image_key)', 'DO 0')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'images' AND index_name = 'images_newest'
);
PREPARE newest FROM @newest;
EXECUTE newest;
DEALLOCATE PREPARE newest;

-- Images that were there before are put in by jobs, one for each owner, that are due at once.
INSERT IGNORE INTO jobs (id, kind, body, created_at, due_at)
SELECT UNHEX(LEFT(SHA2(CONCAT('index images ', HEX(o.id)), 256), 32)), 'index_images',
    CONCAT('["', LOWER(HEX(o.id)), '", ""]'), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
FROM owners o
WHERE EXISTS (SELECT 1 FROM images i WHERE i.owner_id = o.id);
