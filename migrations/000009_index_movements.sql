-- why: finance reads money by the time it moved, in the order of an export
-- breaking: no
-- lock: movements against writers while the index is built; reading goes on
-- duration: about a second per million rows of movements

-- The export's own order: when it happened, then the order of recording. Unique, so that it is always the same order.
CREATE UNIQUE INDEX movements_occurred ON movements (occurred_at, sequence);
