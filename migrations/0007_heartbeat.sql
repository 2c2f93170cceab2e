-- One row that the minute schedule writes the time to: what a replica shows of it tells how far it is behind.

CREATE TABLE IF NOT EXISTS heartbeats (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    beaten_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO heartbeats (id, beaten_at) VALUES (1, NULL);
