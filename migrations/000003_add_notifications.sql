-- why: Apple's notifications, each once and for ever; up to which moment they are complete; sweeps of settled purchases
-- breaking: no
-- lock: events, accounts and checks exclusively while columns and constraints change
-- duration: seconds per million rows of events and checks, which are read once

-- A notification under an expired certificate is no evidence; that it named a transaction is worth a question to Apple.
ALTER TABLE events DROP CONSTRAINT events_input_check;
ALTER TABLE events ADD CONSTRAINT events_input_check CHECK (input IN ('claim', 'evidence', 'mention',
    'app_store_answer', 'deadline', 'hold_elapsed', 'staff_action', 'grant_acknowledged', 'policy_changed'));

-- The token that an account has by rule (its own UUID, or one derived in the configured namespace), so that Apple's
-- notifications find it.
ALTER TABLE accounts
    ADD COLUMN rule_token text CHECK (rule_token ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    ADD CHECK (account_id IS NOT NULL OR rule_token IS NULL);
CREATE INDEX accounts_stated_token ON accounts (stated_token) WHERE stated_token IS NOT NULL;
CREATE INDEX accounts_rule_token ON accounts (rule_token) WHERE rule_token IS NOT NULL;

CREATE TABLE notifications (
    -- Apple's, the same in each retry: what makes a notification the same one, for ever.
    notification_uuid text PRIMARY KEY CHECK (char_length(notification_uuid) BETWEEN 1 AND 128),
    -- NULL where the payload names no store.
    environment       text CHECK (environment IN ('Production', 'Sandbox')),
    -- Apple's words, also those that are not known yet.
    notification_type text NOT NULL CHECK (char_length(notification_type) BETWEEN 1 AND 64),
    subtype           text CHECK (char_length(subtype) BETWEEN 1 AND 64),
    signed_date       timestamptz NOT NULL,
    received_at       timestamptz NOT NULL,
    -- Sent by Apple, or found in Get Notification History.
    origin            text NOT NULL CHECK (origin IN ('delivery', 'history')),
    outcome           text NOT NULL CHECK (outcome IN ('waiting', 'applied', 'asked', 'kept', 'not_allowed', 'refused')),
    transaction_id    text CHECK (transaction_id ~ '^[0-9]{1,32}$'),
    -- Until when Apple wants an answer to a CONSUMPTION_REQUEST.
    respond_by        timestamptz,
    -- A waiting one is verified, or applied, again then.
    retry_at          timestamptz,
    attempts          bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    sha256            bytea NOT NULL CHECK (octet_length(sha256) = 32),
    CHECK ((outcome = 'waiting') = (retry_at IS NOT NULL)),
    CHECK (outcome <> 'applied' OR transaction_id IS NOT NULL AND environment IS NOT NULL),
    CHECK (respond_by IS NULL OR notification_type = 'CONSUMPTION_REQUEST')
);
CREATE INDEX notifications_retry ON notifications (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX notifications_transaction ON notifications (transaction_id, signed_date) WHERE transaction_id IS NOT NULL;
CREATE INDEX notifications_respond_by ON notifications (respond_by) WHERE respond_by IS NOT NULL;
CREATE INDEX notifications_received ON notifications (received_at);

-- Erasable: the envelope as Apple signed it.
CREATE TABLE notification_bodies (
    notification_uuid text PRIMARY KEY REFERENCES notifications,
    header_sha256     bytea NOT NULL REFERENCES jws_headers,
    -- Payload and signature, with the dot between them.
    rest              text NOT NULL CHECK (char_length(rest) <= 262144)
);

-- Notifications signed from complete_from up to complete_through are all here.
CREATE TABLE coverage (
    environment      text PRIMARY KEY CHECK (environment IN ('Production', 'Sandbox')),
    complete_from    timestamptz NOT NULL,
    complete_through timestamptz NOT NULL,
    -- The last sweep that came to its end.
    swept_at         timestamptz,
    -- Why the last one did not; NULL when it did.
    fault            text CHECK (char_length(fault) BETWEEN 1 AND 200),
    fault_at         timestamptz,
    due_at           timestamptz NOT NULL,
    lease_holder     text,
    lease_until      timestamptz,
    CHECK (complete_from <= complete_through),
    CHECK ((fault IS NULL) = (fault_at IS NULL)),
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL))
);

-- What a backfill has finished, so that an interrupted one goes on.
CREATE TABLE backfill_slices (
    environment   text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL,
    finished_at   timestamptz NOT NULL,
    notifications bigint NOT NULL CHECK (notifications >= 0),
    PRIMARY KEY (environment, from_at, to_at),
    CHECK (from_at < to_at)
);

-- A check of a settled purchase uses only what of the budget nobody else needs.
ALTER TABLE checks
    ADD COLUMN sweep boolean NOT NULL GENERATED ALWAYS AS (progress @> '{"isSweep": true}') STORED;
CREATE INDEX checks_due_by_kind ON checks (sweep, due_at) WHERE due_at IS NOT NULL;
DROP INDEX checks_due;

GRANT SELECT, INSERT, UPDATE ON notifications, coverage TO vouch_service;
GRANT SELECT, INSERT ON backfill_slices TO vouch_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_bodies TO vouch_service;
