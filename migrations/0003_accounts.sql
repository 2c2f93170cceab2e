-- People: accounts, sessions, tokens for scripts, one-time links, and what sign-in has been tried too often.
-- Tokens are kept as their SHA-256 only. UTC_TIMESTAMP(6) is the only clock.

CREATE TABLE IF NOT EXISTS accounts (
    owner_id BINARY(16) NOT NULL PRIMARY KEY,
    email VARBINARY(254) NOT NULL UNIQUE,
    password VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    admin TINYINT UNSIGNED NOT NULL DEFAULT 0,
    disabled_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    FOREIGN KEY (owner_id) REFERENCES owners (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sessions (
    token_hash BINARY(32) NOT NULL PRIMARY KEY,
    owner_id BINARY(16) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    seen_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    INDEX sessions_owner (owner_id),
    INDEX sessions_end (ends_at),
    FOREIGN KEY (owner_id) REFERENCES accounts (owner_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS api_tokens (
    token_hash BINARY(32) NOT NULL PRIMARY KEY,
    id BINARY(16) NOT NULL UNIQUE,
    owner_id BINARY(16) NOT NULL,
    label VARCHAR(100) NOT NULL,
    scope VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL,
    INDEX api_tokens_owner (owner_id),
    FOREIGN KEY (owner_id) REFERENCES accounts (owner_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Links sent by mail, each good once: to verify an address, to reset a password, to make the first admin. A link that
-- verifies holds what the account will be: there is none before somebody has shown to read the address.
CREATE TABLE IF NOT EXISTS account_links (
    token_hash BINARY(32) NOT NULL PRIMARY KEY,
    purpose VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    owner_id BINARY(16) NULL,
    email VARBINARY(254) NULL,
    password VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ends_at DATETIME(6) NOT NULL,
    INDEX account_links_end (ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Tries of one kind under one name (an account's address, or where they come from) within one window.
CREATE TABLE IF NOT EXISTS tries (
    name VARBINARY(300) NOT NULL PRIMARY KEY,
    count INT UNSIGNED NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    INDEX tries_end (ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
