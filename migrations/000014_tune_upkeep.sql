-- why: so that upkeep does not grow with the ledger: it comes in small steps, updates stay in place, one index less
-- breaking: no
-- lock: each of these tables for milliseconds; movements exclusively while it is read once
-- duration: about a second per million rows of movements

-- Append-only tables. Only erasing makes rows of them die, so what upkeep does is to mark pages as all visible and frozen. By
-- default that waits for a fifth of the table, a day's work after years; here it is the same small piece each time, and
-- freezing at once means that no page is ever read again for it.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'evidence', 'evidence_bodies', 'renewals', 'renewal_bodies', 'notification_bodies',
        'purchases', 'movements', 'changes']
    LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_insert_scale_factor = 0,
            autovacuum_vacuum_insert_threshold = 100000, autovacuum_freeze_min_age = 0,
            autovacuum_analyze_scale_factor = 0.02)', name);
    END LOOP;
END $$;

-- Projections: rows change while they are young, and some for ever. Room in the page lets a new version stay in it (HOT):
-- no index is touched, and the next reader clears the old version away.
ALTER TABLE chains SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE transactions SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE claims SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE entitlements SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE grants SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE checks SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE notifications SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE accounts SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- A handful of rows that every call to Apple changes, and rings that are written over: a share of so few rows is nothing.
ALTER TABLE request_budgets SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE coverage SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE refusals SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE unproven_posts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE console_sessions SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE console_sign_ins SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- A row's id is its purchase, kind, generation and step. Said here, the primary key keeps them unique, and the index that
-- did it a second time, the largest of the table, can go.
ALTER TABLE movements ADD CONSTRAINT movements_row_id
    CHECK (row_id = purchase_id || '.' || kind || '.' || generation || '.' || step);
ALTER TABLE movements DROP CONSTRAINT movements_purchase_id_kind_generation_step_key;
