-- why: PostgreSQL spent up to an eighth of a notification's time on compressing signed text in vain, and 50 µs on each large event
-- breaking: no
-- lock: each of these tables for milliseconds; no row is rewritten
-- duration: under a second

-- A notification carries other signed texts, in base64 of base64: nothing repeats, and pglz looks for it all the same.
ALTER TABLE notification_bodies ALTER rest SET STORAGE EXTERNAL;

-- Rows above 2 KB are compressed. lz4 takes a third of pglz's time, for results that are 4 % larger. What is stored stays
-- readable, however it was compressed.
DO $$
BEGIN
    ALTER TABLE events ALTER entries SET COMPRESSION lz4;
    ALTER TABLE changes ALTER data SET COMPRESSION lz4;
    ALTER TABLE evidence ALTER facts SET COMPRESSION lz4;
    ALTER TABLE evidence_bodies ALTER rest SET COMPRESSION lz4;
    ALTER TABLE renewals ALTER facts SET COMPRESSION lz4;
    ALTER TABLE renewal_bodies ALTER rest SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    -- This server was built without lz4.
    NULL;
END $$;
