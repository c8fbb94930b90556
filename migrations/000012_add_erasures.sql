-- why: support sees what support did; and an account's personal data can be erased, step by step, each step for good
-- breaking: yes
-- lock: events, chains and accounts against writes while small indexes are built
-- duration: about a second per million events, which are read once for each of three indexes

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

GRANT SELECT, INSERT, UPDATE ON erasures TO vouch_service;
