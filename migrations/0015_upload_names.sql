-- What becomes of an upload whose key another image has. MySQL has no IF NOT EXISTS for columns, so it is asked first.

-- `if_taken` is replace, keep-both or refuse. `stored_key` is the key of the image that an upload is which is done, where
-- that is not `image_key`: the next free one, or, without an `object_key`, that of an image with the same bytes.
SET @change = (
    SELECT IF(COUNT(*) = 0,
        'ALTER TABLE uploads ADD if_taken VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''replace'', ADD stored_key VARBINARY(1020) NULL',
        'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'uploads' AND column_name = 'if_taken'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;
