-- why: support closes disputes, and decides what an account may use whatever it bought; each with who and why
-- breaking: yes
-- lock: chains, events, cases and changes exclusively while columns and constraints change
-- duration: seconds per million rows of chains, events and changes, which are read once

-- A process of the version before can't read the changes and the chains that overrides make.

-- A person's decision names the person.
ALTER TABLE events ADD CONSTRAINT events_staff_is_named CHECK (input <> 'staff_action' OR actor IS NOT NULL);

-- What is decided about an account has a chain of its own, without transactions.
ALTER TABLE chains ADD COLUMN account_number bigint REFERENCES accounts;
ALTER TABLE chains DROP CONSTRAINT chains_check1;
ALTER TABLE chains ADD CONSTRAINT chains_one_identity
    CHECK (num_nonnulls(environment, provisional_transaction_id, account_number) = 1);
CREATE UNIQUE INDEX chains_account ON chains (account_number) WHERE account_number IS NOT NULL;

-- Reasons are referred to by number alone, without a key: their words may be erased, and the number stays.
ALTER TABLE cases
    ADD COLUMN outcome       text CHECK (outcome IN ('transferred', 'refused')),
    ADD COLUMN reason_number bigint,
    ADD COLUMN resolved_at   timestamptz,
    -- Who held the chain before a transfer.
    ADD COLUMN taken_from    bigint REFERENCES accounts,
    ADD CONSTRAINT cases_resolution CHECK (
        num_nulls(outcome, reason_number, resolved_at) = CASE status WHEN 'resolved' THEN 0 ELSE 3 END),
    ADD CONSTRAINT cases_taken_from
        CHECK (taken_from IS NULL OR outcome IS NOT DISTINCT FROM 'transferred' AND taken_from <> account_number);
CREATE INDEX cases_by_age ON cases (status, opened_at, case_id);
CREATE INDEX cases_account ON cases (account_number);

CREATE TABLE overrides (
    override_id       text PRIMARY KEY CHECK (override_id ~ '^override-[0-9]{1,19}-[0-9]{1,9}$'),
    number            bigint NOT NULL GENERATED ALWAYS AS (split_part(override_id, '-', 3)::bigint) STORED,
    chain_id          bigint NOT NULL REFERENCES chains,
    -- The event that made it, which says who; and the last one about it.
    made_version      bigint NOT NULL,
    chain_version     bigint NOT NULL,
    account_number    bigint NOT NULL REFERENCES accounts,
    key               text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    environment       text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    effect            text NOT NULL CHECK (effect IN ('grant', 'withhold')),
    since             timestamptz NOT NULL,
    until             timestamptz CHECK (until > since),
    reason_number     bigint NOT NULL,
    ended_at          timestamptz CHECK (ended_at >= since),
    end_reason_number bigint,
    FOREIGN KEY (chain_id, made_version) REFERENCES events (chain_id, chain_version),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (starts_with(override_id, 'override-' || account_number || '-')),
    CHECK ((ended_at IS NULL) = (end_reason_number IS NULL)),
    CHECK (made_version <= chain_version),
    UNIQUE (account_number, number)
);
CREATE INDEX overrides_chain ON overrides (chain_id);
CREATE INDEX overrides_live ON overrides (account_number) WHERE ended_at IS NULL;

-- A change that support made is about no transaction.
ALTER TABLE changes ALTER COLUMN transaction_id DROP NOT NULL;
ALTER TABLE changes ADD CONSTRAINT changes_transaction CHECK (transaction_id IS NOT NULL OR kind = 'entitlement');

GRANT SELECT, INSERT, UPDATE ON overrides TO vouch_service;
