-- why: support sees what support did; and an account's personal data can be erased, step by step, each step for good
-- breaking: yes
-- lock: events, chains, accounts, signed texts and notifications against writes while small indexes are built
-- duration: about a second per million events, which are read once for each of three indexes; the same per million signed
-- texts; and a second per ten thousand notifications that nothing was decided upon

-- A process of the version before can't read the chains that erasing changes, and would write for an account meanwhile.

-- What people did, newest first: all of it, one person's, and what is about a chain. The steps of an erasure are many and
-- one action, which its first event stands for.
CREATE INDEX events_staff ON events (position)
    WHERE input = 'staff_action' AND rule <> 'claim_released';
CREATE INDEX events_staff_actor ON events (actor, position)
    WHERE input = 'staff_action' AND rule <> 'claim_released';
CREATE INDEX events_staff_chain ON events (chain_id, position)
    WHERE input = 'staff_action' AND rule <> 'claim_released';

-- A reason that was given about a transaction is found after its chain was taken in by another one.
CREATE INDEX chains_absorbed ON chains (absorbed_by) WHERE absorbed_by IS NOT NULL;

-- Accounts that are erased, or are being erased: from this row on nobody claims or decides anything for them. Names nobody.
CREATE TABLE erasures (
    account_number bigint PRIMARY KEY REFERENCES accounts,
    -- The event in the account's own chain, which says who.
    chain_id       bigint NOT NULL REFERENCES chains,
    chain_version  bigint NOT NULL,
    requested_at   timestamptz NOT NULL,
    reason_number  bigint NOT NULL,
    -- When the last of it was gone; NULL while claims, or the account's string, are left.
    finished_at    timestamptz CHECK (finished_at >= requested_at),
    -- Until when others leave the work to the process that does it.
    lease_until    timestamptz,
    FOREIGN KEY (chain_id, chain_version) REFERENCES events (chain_id, chain_version),
    CHECK (finished_at IS NULL OR lease_until IS NULL)
);
CREATE INDEX erasures_unfinished ON erasures (requested_at) WHERE finished_at IS NULL;
CREATE INDEX erasures_reason ON erasures (reason_number);

-- Signed texts that carry an erased account's token, wherever they came from.
CREATE INDEX evidence_bodies_token ON evidence_bodies (app_account_token) WHERE app_account_token IS NOT NULL;
CREATE INDEX renewal_bodies_token ON renewal_bodies (app_account_token) WHERE app_account_token IS NOT NULL;

-- What a notification says it is about, read without trust, so that its text is found also where nothing was decided upon
-- it: a renewal that waits names a transaction which the ledger does not have yet.
ALTER TABLE notifications
    ADD COLUMN original_transaction_id text CHECK (original_transaction_id ~ '^[0-9]{1,32}$');

-- The ones of before; a text that can't be read names nothing.
DO $$
DECLARE
    kept record;
    part text;
    content jsonb;
    signed text;
    about text;
    original text;
BEGIN
    FOR kept IN
        SELECT notification_uuid, split_part(b.rest, '.', 1) AS payload
        FROM notifications n JOIN notification_bodies b USING (notification_uuid) WHERE n.outcome <> 'applied'
    LOOP
        BEGIN
            about := NULL;
            original := NULL;
            content := convert_from(decode(rpad(translate(kept.payload, '-_', '+/'),
                (length(kept.payload) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb -> 'data';
            FOREACH signed IN ARRAY
                ARRAY[content ->> 'signedTransactionInfo', content ->> 'signedRenewalInfo']
            LOOP
                CONTINUE WHEN signed IS NULL;
                part := split_part(signed, '.', 2);
                content := convert_from(decode(rpad(translate(part, '-_', '+/'),
                    (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
                about := coalesce(about, substring(content ->> 'transactionId' FROM '^[0-9]{1,32}$'));
                original := coalesce(original, substring(content ->> 'originalTransactionId' FROM '^[0-9]{1,32}$'));
            END LOOP;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            NULL;
        END;
        UPDATE notifications SET transaction_id = coalesce(transaction_id, about, original),
            original_transaction_id = original
        WHERE notification_uuid = kept.notification_uuid AND coalesce(about, original) IS NOT NULL;
    END LOOP;
END $$;
CREATE INDEX notifications_original ON notifications (original_transaction_id)
    WHERE original_transaction_id IS NOT NULL AND outcome <> 'applied';

GRANT SELECT, INSERT, UPDATE ON erasures TO vouch_service;
