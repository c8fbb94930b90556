-- why: the catalogue of products, each import kept; and up to which event everything follows the policy in force
-- breaking: no
-- lock: decided_policy exclusively, for milliseconds; it has one row
-- duration: under a second

-- The newest row is the catalogue, unless the settings file of `vouch serve` carries one.
CREATE TABLE catalogues (
    -- 1, 2, 3 … without gaps: an import names its predecessor, so that of two at once only one is stored.
    catalogue_number bigint PRIMARY KEY CHECK (catalogue_number >= 1),
    -- In the form of a catalogue file: product id, and below it the fields.
    products         jsonb NOT NULL CHECK (jsonb_typeof(products) = 'object'),
    imported_at      timestamptz NOT NULL DEFAULT now(),
    -- A person or a system, as the one who imported says.
    imported_by      text NOT NULL CHECK (char_length(imported_by) BETWEEN 1 AND 100),
    -- The database's own word on it.
    login            text NOT NULL DEFAULT session_user::text
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogues
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Events after this position may have been decided under another policy than policy_version.
ALTER TABLE decided_policy ADD COLUMN through_position bigint NOT NULL DEFAULT 0 CHECK (through_position >= 0);

GRANT SELECT, INSERT ON catalogues TO vouch_service;
