-- why: the service must be unable to rewrite history, also when it is taken over: it runs as a role that can't
-- breaking: no
-- lock: catalogue rows of the ledger's tables, for milliseconds
-- duration: under a second

-- The role itself is created by the runner before this file, since a login without CREATEROLE needs it made by hand.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM vouch_service;
GRANT USAGE ON SCHEMA public TO vouch_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO vouch_service;

-- Append-only.
GRANT SELECT, INSERT ON events, evidence, purchases, movements, changes TO vouch_service;
-- Projections of the ledger, and bookkeeping.
GRANT SELECT, INSERT, UPDATE ON chains, transactions, cases, grants, accounts, checks, refusals, keys, request_budgets,
    decided_policy
    TO vouch_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON claims, entitlements, jws_headers, evidence_bodies, reasons TO vouch_service;
GRANT SELECT, INSERT ON policies, secrets TO vouch_service;
GRANT SELECT ON schema_migrations TO vouch_service;
