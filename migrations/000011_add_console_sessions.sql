-- why: people sign in to the pages under /console with their keys; every replica knows the sessions and the failures
-- breaking: no
-- lock: none that anybody waits for; the tables are new
-- duration: under a second

-- Who holds the token is signed in. Only the token's digest is here: the table opens no session.
CREATE TABLE console_sessions (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    key_id       bigint NOT NULL REFERENCES keys,
    -- What every form of the session carries.
    csrf_secret  bytea NOT NULL CHECK (octet_length(csrf_secret) = 32),
    -- What the next page says about the last action: a code of a closed list.
    notice       text CHECK (notice ~ '^[a-z_]{1,40}$'),
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL CHECK (last_used_at >= created_at)
);
CREATE INDEX console_sessions_key ON console_sessions (key_id, created_at);
CREATE INDEX console_sessions_age ON console_sessions (last_used_at);

-- One row for each attempt to sign in that has not succeeded. Rows live for a quarter of an hour.
CREATE TABLE console_sign_ins (
    attempt      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A keyed digest: the table names nobody.
    network      text NOT NULL CHECK (network ~ '^[0-9a-f]{32}$'),
    attempted_at timestamptz NOT NULL
);
CREATE INDEX console_sign_ins_age ON console_sign_ins (attempted_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON console_sessions, console_sign_ins TO vouch_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO vouch_service;
