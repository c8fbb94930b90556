-- why: what PostgreSQL does for each decision and each read of a chain, again and again, without being any safer for it
-- breaking: no
-- lock: each of the ledger's tables for as long as a constraint takes to be dropped
-- duration: under a second

-- Their bodies were only stable, so PostgreSQL could not put them in the place of the call, and set each call up anew in
-- every statement. Same results; instants of years before 1 or after 9999 are none of Apple's.
CREATE OR REPLACE FUNCTION instant(milliseconds bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(milliseconds / 1000.0::double precision);

CREATE OR REPLACE FUNCTION milliseconds(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN floor(extract(epoch FROM at AT TIME ZONE 'UTC') * 1000)::bigint;

-- The event that each of these rows names by (chain_id, chain_version) names the chain, and is never deleted: a second
-- reference to the same chain is checked for every row and can't fail by itself.
ALTER TABLE transactions DROP CONSTRAINT transactions_chain_id_fkey;
ALTER TABLE cases DROP CONSTRAINT cases_chain_id_fkey;
ALTER TABLE claims DROP CONSTRAINT claims_chain_id_fkey;
ALTER TABLE entitlements DROP CONSTRAINT entitlements_chain_id_fkey;
ALTER TABLE grants DROP CONSTRAINT grants_chain_id_fkey;
ALTER TABLE movements DROP CONSTRAINT movements_chain_id_fkey;
ALTER TABLE changes DROP CONSTRAINT changes_chain_id_fkey;
ALTER TABLE overrides DROP CONSTRAINT overrides_chain_id_fkey;
ALTER TABLE erasures DROP CONSTRAINT erasures_chain_id_fkey;
