-- why: the ledger: what was posted, what Apple signed, what was decided, and what follows from it
-- breaking: no
-- lock: none that anybody waits for; every table is new
-- duration: under a second

-- Instants are kept as timestamptz for people and compared as milliseconds by the service.
CREATE FUNCTION instant(milliseconds bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN timestamptz '1970-01-01 00:00:00+00' + milliseconds * interval '1 millisecond';

CREATE FUNCTION milliseconds(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN floor(extract(epoch FROM at) * 1000)::bigint;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: the table is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Record a new event that corrects the old one.';
END $$;

-- ---------------------------------------------------------------------------------------------------------------
-- Erasable: names, tokens and words of people. The ledger refers to them by number.

CREATE TABLE accounts (
    account_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL once erased; the number stays.
    account_id     text UNIQUE
        CHECK (account_id ~ '^[A-Za-z0-9._:@~|-]{1,128}$' AND account_id NOT IN ('.', '..')),
    -- The appAccountToken that the app's own server stated for this account.
    stated_token   text CHECK (stated_token ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (account_id IS NOT NULL OR stated_token IS NULL)
);

CREATE TABLE reasons (
    reason_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    words         text CHECK (char_length(words) BETWEEN 1 AND 500),
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------------------------------------------------------
-- The ledger

CREATE TABLE chains (
    chain_id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version                    bigint NOT NULL CHECK (version >= 1),
    environment                text CHECK (environment IN ('Production', 'Sandbox')),
    original_transaction_id    text CHECK (original_transaction_id ~ '^[0-9]{1,32}$'),
    provisional_transaction_id text CHECK (provisional_transaction_id ~ '^[0-9]{1,32}$'),
    absorbed_by                bigint REFERENCES chains,
    UNIQUE (environment, original_transaction_id),
    CHECK ((environment IS NULL) = (original_transaction_id IS NULL)),
    CHECK ((environment IS NULL) <> (provisional_transaction_id IS NULL)),
    -- Only what was never identified can be taken in by another chain.
    CHECK (absorbed_by IS NULL OR provisional_transaction_id IS NOT NULL)
);
CREATE UNIQUE INDEX chains_provisional ON chains (provisional_transaction_id) WHERE absorbed_by IS NULL;

CREATE TABLE events (
    -- Given out under the ledger lock, so positions become visible in order; numbers may be missing.
    position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id        bigint NOT NULL REFERENCES chains,
    chain_version   bigint NOT NULL CHECK (chain_version >= 1),
    recorded_at     timestamptz NOT NULL,
    input           text NOT NULL CHECK (input IN ('claim', 'evidence', 'app_store_answer', 'deadline', 'hold_elapsed',
                        'staff_action', 'grant_acknowledged', 'policy_changed')),
    rule            text NOT NULL CHECK (rule ~ '^[a-z_]{1,64}$'),
    policy_version  text NOT NULL,
    -- The name of the key that acted; NULL for the service itself.
    actor           text CHECK (char_length(actor) BETWEEN 1 AND 100),
    request_id      text CHECK (char_length(request_id) <= 128),
    evidence_sha256 bytea,
    evidence_source text,
    entries         jsonb NOT NULL CHECK (jsonb_typeof(entries) = 'array' AND jsonb_array_length(entries) >= 1),
    UNIQUE (chain_id, chain_version),
    CHECK ((evidence_sha256 IS NULL) = (evidence_source IS NULL)),
    CHECK ((input = 'evidence') = (evidence_sha256 IS NOT NULL))
);

-- The chain's version is its last event's.
ALTER TABLE chains ADD FOREIGN KEY (chain_id, version) REFERENCES events (chain_id, chain_version);

CREATE TABLE evidence (
    sha256            bytea NOT NULL CHECK (octet_length(sha256) = 32),
    source            text NOT NULL CHECK (source IN ('app_store', 'notification', 'history', 'device')),
    authoritative     boolean GENERATED ALWAYS AS (source <> 'device') STORED,
    revoked           boolean NOT NULL,
    transaction_id    text NOT NULL CHECK (transaction_id ~ '^[0-9]{1,32}$'),
    environment       text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    signed_date       timestamptz NOT NULL,
    seen_at           timestamptz NOT NULL,
    notification_type text CHECK (char_length(notification_type) <= 64),
    -- The decoded claims that decisions use; never appAccountToken or appTransactionId.
    facts             jsonb NOT NULL CHECK (NOT facts ?| ARRAY['appAccountToken', 'appTransactionId']),
    chain_id          bigint NOT NULL,
    chain_version     bigint NOT NULL,
    PRIMARY KEY (sha256, source),
    UNIQUE (sha256, source, authoritative, revoked),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (revoked = (facts ? 'revocationDate')),
    CHECK (facts ->> 'transactionId' = transaction_id AND facts ->> 'environment' = environment)
);
CREATE INDEX evidence_chain ON evidence (chain_id);

ALTER TABLE events ADD FOREIGN KEY (evidence_sha256, evidence_source) REFERENCES evidence (sha256, source);

-- Erasable: the signed text. The header with its three certificates is the same for every JWS of one leaf: kept once.
CREATE TABLE jws_headers (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    header text NOT NULL CHECK (char_length(header) <= 65536)
);

CREATE TABLE evidence_bodies (
    sha256             bytea NOT NULL,
    source             text NOT NULL,
    header_sha256      bytea NOT NULL REFERENCES jws_headers,
    -- Payload and signature, with the dot between them.
    rest               text NOT NULL CHECK (char_length(rest) <= 262144),
    app_account_token  text CHECK (app_account_token ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    app_transaction_id text CHECK (char_length(app_transaction_id) <= 64),
    PRIMARY KEY (sha256, source),
    FOREIGN KEY (sha256, source) REFERENCES evidence (sha256, source)
);

CREATE TABLE purchases (
    purchase_id   text PRIMARY KEY CHECK (char_length(purchase_id) <= 128),
    chain_id      bigint NOT NULL,
    chain_version bigint NOT NULL,
    environment   text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    ownership     text NOT NULL CHECK (ownership IN ('purchased', 'family_shared', 'unknown')),
    UNIQUE (purchase_id, ownership),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (purchase_id LIKE lower(environment) || '.' || ownership || '.%')
);

CREATE TABLE transactions (
    transaction_id          text PRIMARY KEY CHECK (transaction_id ~ '^[0-9]{1,32}$'),
    chain_id                bigint NOT NULL REFERENCES chains,
    chain_version           bigint NOT NULL,
    state                   text NOT NULL,
    reason                  text NOT NULL,
    refusal                 text CHECK (refusal IN ('bundle_mismatch', 'environment_not_allowed', 'not_found')),
    purchase_id             text REFERENCES purchases,
    deciding_sha256         bytea,
    deciding_source         text,
    deciding_authoritative  boolean,
    deciding_revoked        boolean,
    in_app_ownership_type   text CHECK (in_app_ownership_type IN ('PURCHASED', 'FAMILY_SHARED')),
    revocation_date         timestamptz,
    -- For search; NULL while unknown.
    environment             text CHECK (environment IN ('Production', 'Sandbox')),
    original_transaction_id text,
    product_id              text,
    type                    text,
    purchase_date           timestamptz,
    created_at              timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    UNIQUE (transaction_id, state),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    FOREIGN KEY (deciding_sha256, deciding_source, deciding_authoritative, deciding_revoked)
        REFERENCES evidence (sha256, source, authoritative, revoked) MATCH FULL,
    -- A settled state names authoritative evidence that says what the state says; an unsettled one names none.
    CONSTRAINT transactions_state CHECK (CASE state
        WHEN 'received' THEN reason = 'new' AND deciding_sha256 IS NULL AND revocation_date IS NULL
        WHEN 'pending' THEN deciding_sha256 IS NULL AND revocation_date IS NULL
            AND reason IN ('app_store_unavailable', 'app_store_throttled', 'app_store_answer_refused', 'not_found_yet',
                'verification_unavailable', 'environment_undetermined', 'ownership_unconfirmed',
                'revocation_unconfirmed', 'settlement_hold')
        WHEN 'paid' THEN deciding_sha256 IS NOT NULL AND deciding_authoritative AND NOT deciding_revoked
            AND revocation_date IS NULL AND in_app_ownership_type IS NOT NULL AND refusal IS NULL
            AND purchase_id IS NOT NULL AND environment IS NOT NULL
            AND reason IN ('confirmed', 'refund_reversed')
        WHEN 'refunded' THEN deciding_sha256 IS NOT NULL AND deciding_authoritative AND deciding_revoked
            AND revocation_date IS NOT NULL AND refusal IS NULL AND purchase_id IS NOT NULL AND environment IS NOT NULL
            AND reason IN ('refund_full', 'refund_prorated', 'family_revoke', 'refund')
        ELSE false END)
);
CREATE INDEX transactions_chain ON transactions (chain_id);

CREATE TABLE cases (
    case_id        text PRIMARY KEY CHECK (char_length(case_id) <= 128),
    chain_id       bigint NOT NULL REFERENCES chains,
    chain_version  bigint NOT NULL,
    account_number bigint NOT NULL REFERENCES accounts,
    status         text NOT NULL CHECK (status IN ('open', 'resolved')),
    opened_at      timestamptz NOT NULL,
    UNIQUE (chain_id, account_number),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version)
);

CREATE TABLE claims (
    chain_id         bigint NOT NULL REFERENCES chains,
    account_number   bigint NOT NULL REFERENCES accounts,
    chain_version    bigint NOT NULL,
    status           text NOT NULL CHECK (status IN ('waiting', 'held', 'refused', 'conflict')),
    refusal          text CHECK (refusal IN ('account_token_mismatch')),
    token_comparison text CHECK (token_comparison IN ('match', 'mismatch', 'absent', 'not_comparable')),
    case_id          text REFERENCES cases,
    transaction_id   text NOT NULL REFERENCES transactions,
    claimed_at       timestamptz NOT NULL,
    PRIMARY KEY (chain_id, account_number),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK ((status = 'refused') = (refusal IS NOT NULL)),
    CHECK ((status = 'conflict') = (case_id IS NOT NULL))
);
CREATE UNIQUE INDEX claims_one_holder ON claims (chain_id) WHERE status = 'held';
CREATE INDEX claims_account ON claims (account_number);

CREATE TABLE entitlements (
    transaction_id          text NOT NULL,
    key                     text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    chain_id                bigint NOT NULL REFERENCES chains,
    chain_version           bigint NOT NULL,
    account_number          bigint NOT NULL REFERENCES accounts,
    product_id              text NOT NULL,
    environment             text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    original_transaction_id text NOT NULL,
    state                   text NOT NULL,
    rule                    text NOT NULL,
    since                   timestamptz NOT NULL,
    until                   timestamptz,
    PRIMARY KEY (transaction_id, key),
    FOREIGN KEY (transaction_id, state) REFERENCES transactions (transaction_id, state),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    -- A right lives with a paid transaction, or by a rule that is named.
    CONSTRAINT entitlements_only_while_paid
        CHECK (rule = 'paid' AND state = 'paid' OR rule = 'prorated_keep' AND state = 'refunded')
);
CREATE INDEX entitlements_account ON entitlements (account_number);
CREATE INDEX entitlements_chain ON entitlements (chain_id);

CREATE TABLE grants (
    grant_id       text PRIMARY KEY CHECK (char_length(grant_id) <= 200),
    kind           text NOT NULL CHECK (kind IN ('grant', 'reversal', 'reinstatement')),
    status         text NOT NULL CHECK (status IN ('open', 'acknowledged', 'cancelled')),
    account_number bigint NOT NULL REFERENCES accounts,
    purchase_id    text NOT NULL REFERENCES purchases,
    transaction_id text NOT NULL REFERENCES transactions,
    product_id     text NOT NULL,
    amount         bigint NOT NULL CHECK (amount >= 1),
    environment    text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    created_at     timestamptz NOT NULL,
    chain_id       bigint NOT NULL REFERENCES chains,
    chain_version  bigint NOT NULL,
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (starts_with(grant_id, purchase_id || '.' || kind || '.'))
);
-- Whatever else goes wrong, a purchase is delivered once.
CREATE UNIQUE INDEX grants_one_per_purchase ON grants (purchase_id) WHERE kind = 'grant';
CREATE INDEX grants_account ON grants (account_number, created_at, grant_id);
CREATE INDEX grants_chain ON grants (chain_id);

CREATE TABLE movements (
    -- The order within one event.
    sequence               bigint GENERATED ALWAYS AS IDENTITY,
    row_id                 text PRIMARY KEY CHECK (char_length(row_id) <= 200),
    purchase_id            text NOT NULL,
    -- Family shares are never revenue: the key below lets only purchases of the payer in.
    ownership              text NOT NULL DEFAULT 'purchased' CHECK (ownership = 'purchased'),
    kind                   text NOT NULL CHECK (kind IN ('sale', 'refund', 'refund_adjustment', 'reversal')),
    generation             bigint NOT NULL CHECK (generation >= 1),
    step                   bigint NOT NULL CHECK (step >= 0),
    transaction_id         text NOT NULL REFERENCES transactions,
    occurred_at            timestamptz NOT NULL,
    amount_milliunits      bigint,
    currency               text CHECK (char_length(currency) <= 16),
    evidence_sha256        bytea NOT NULL,
    evidence_source        text NOT NULL,
    evidence_authoritative boolean NOT NULL DEFAULT true CHECK (evidence_authoritative),
    evidence_revoked       boolean NOT NULL,
    chain_id               bigint NOT NULL REFERENCES chains,
    chain_version          bigint NOT NULL,
    UNIQUE (purchase_id, kind, generation, step),
    FOREIGN KEY (purchase_id, ownership) REFERENCES purchases (purchase_id, ownership),
    FOREIGN KEY (evidence_sha256, evidence_source, evidence_authoritative, evidence_revoked)
        REFERENCES evidence (sha256, source, authoritative, revoked),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (kind <> 'sale' OR generation = 1 AND (step > 0 OR amount_milliunits >= 0)),
    CHECK (kind NOT IN ('refund', 'refund_adjustment') OR evidence_revoked),
    CHECK (kind <> 'refund' OR amount_milliunits <= 0),
    CHECK (kind <> 'reversal' OR amount_milliunits >= 0 AND NOT evidence_revoked)
);
CREATE INDEX movements_chain ON movements (chain_id);

CREATE TABLE changes (
    -- Given out under the ledger lock: no number appears late.
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('state', 'entitlement', 'grant', 'case')),
    account_number bigint REFERENCES accounts,
    transaction_id text NOT NULL,
    occurred_at    timestamptz NOT NULL,
    data           jsonb NOT NULL,
    chain_id       bigint NOT NULL REFERENCES chains,
    chain_version  bigint NOT NULL,
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purchases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------------------------------------------------------
-- Work in progress and administration: no history, may be updated

CREATE TABLE checks (
    transaction_id text PRIMARY KEY REFERENCES transactions,
    due_at         timestamptz,
    asked_at       timestamptz,
    progress       jsonb NOT NULL,
    lease_holder   text,
    lease_until    timestamptz,
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL))
);
CREATE INDEX checks_due ON checks (due_at) WHERE due_at IS NOT NULL;

-- A ring: a flood of forged posts overwrites its own traces and never fills the disk.
CREATE SEQUENCE refusals_sequence;
CREATE TABLE refusals (
    slot           integer PRIMARY KEY,
    refused_at     timestamptz NOT NULL,
    source         text NOT NULL CHECK (source IN ('app_store', 'notification', 'history', 'device')),
    refusal        text NOT NULL,
    step           text NOT NULL,
    code           text NOT NULL,
    detail         text NOT NULL CHECK (char_length(detail) <= 500),
    sha256         bytea NOT NULL CHECK (octet_length(sha256) = 32),
    transaction_id text,
    account_number bigint REFERENCES accounts ON DELETE SET NULL,
    actor          text,
    request_id     text
);

CREATE TABLE keys (
    key_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    roles      text[] NOT NULL CHECK (cardinality(roles) >= 1
                   AND roles <@ ARRAY['app', 'device', 'support', 'finance', 'admin']),
    sha256     bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE UNIQUE INDEX keys_name ON keys (name) WHERE revoked_at IS NULL;

CREATE TABLE request_budgets (
    environment    text NOT NULL CHECK (environment IN ('Production', 'Sandbox')),
    endpoint_class text NOT NULL,
    tokens         double precision NOT NULL CHECK (tokens >= 0),
    -- What the last draw took; lets one statement both draw and answer.
    taken          double precision NOT NULL CHECK (taken >= 0),
    refilled_at    timestamptz NOT NULL,
    PRIMARY KEY (environment, endpoint_class)
);

CREATE TABLE secrets (
    name  text PRIMARY KEY CHECK (char_length(name) <= 64),
    value bytea NOT NULL CHECK (octet_length(value) = 32)
);

-- The policy under which everything that settings can change was last decided again, completely.
CREATE TABLE decided_policy (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    policy_version text NOT NULL
);

CREATE TABLE policies (
    policy_version text PRIMARY KEY,
    document       jsonb NOT NULL,
    first_used_at  timestamptz NOT NULL DEFAULT now()
);
