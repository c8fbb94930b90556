-- why: renewal info, Apple's word on what follows a subscription's paid period, and the access that rests on it
-- breaking: yes
-- lock: entitlements and checks exclusively while columns are added; entitlements is read once
-- duration: seconds per million entitlements

-- Stop the processes of the version before: they can't read renewal info in a chain, and don't mark sweeps.

-- Renewal info that was newer than what was known when it came; older ones say nothing any more and are not kept.
CREATE TABLE renewals (
    sha256        bytea NOT NULL CHECK (octet_length(sha256) = 32),
    source        text NOT NULL CHECK (source IN ('app_store', 'notification', 'history')),
    signed_date   timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    -- The decoded claims that decisions use; never appAccountToken or appTransactionId.
    facts         jsonb NOT NULL CHECK (NOT facts ?| ARRAY['appAccountToken', 'appTransactionId']),
    chain_id      bigint NOT NULL,
    chain_version bigint NOT NULL,
    PRIMARY KEY (sha256, source),
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version)
);
CREATE INDEX renewals_newest ON renewals (chain_id, signed_date DESC, sha256 DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON renewals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Erasable: the signed text, as for evidence.
CREATE TABLE renewal_bodies (
    sha256             bytea NOT NULL,
    source             text NOT NULL,
    header_sha256      bytea NOT NULL REFERENCES jws_headers,
    -- Payload and signature, with the dot between them.
    rest               text NOT NULL CHECK (char_length(rest) <= 262144),
    app_account_token  text CHECK (app_account_token ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    app_transaction_id text CHECK (char_length(app_transaction_id) <= 64),
    PRIMARY KEY (sha256, source),
    FOREIGN KEY (sha256, source) REFERENCES renewals (sha256, source)
);

-- Access beyond the paid period names why, and where the paid part ends.
ALTER TABLE entitlements
    ADD COLUMN extension text CHECK (extension IN ('grace_period', 'renewal_unconfirmed')),
    ADD COLUMN paid_until timestamptz,
    ADD CONSTRAINT entitlements_extension CHECK ((extension IS NULL) = (paid_until IS NULL)
        AND (extension IS NULL OR rule = 'paid' AND until IS NOT NULL AND paid_until <= until));

-- A transaction can have two questions planned: about itself, perhaps a sweep, and about its subscription, never one.
ALTER TABLE checks ALTER COLUMN sweep DROP EXPRESSION;
ALTER TABLE checks ALTER COLUMN sweep SET DEFAULT false;

GRANT SELECT, INSERT ON renewals TO vouch_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON renewal_bodies TO vouch_service;
