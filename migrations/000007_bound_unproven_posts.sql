-- why: made-up ids from publishable keys and users are bounded per key, account and network, in every process alike
-- breaking: no
-- lock: none that anybody waits for; the table is new
-- duration: under a second

-- One row for each key, account and network that posted an id which nothing vouched for. Whether Apple came to know the
-- id is read from the transaction itself, so a row needs no change when it does. Rows live for an hour.
CREATE TABLE unproven_posts (
    -- A keyed digest: the table names nobody.
    poster         text NOT NULL CHECK (poster ~ '^[0-9a-f]{32}$'),
    transaction_id text NOT NULL CHECK (transaction_id ~ '^[0-9]{1,32}$'),
    posted_at      timestamptz NOT NULL,
    PRIMARY KEY (poster, transaction_id)
);
CREATE INDEX unproven_posts_age ON unproven_posts (posted_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON unproven_posts TO vouch_service;
