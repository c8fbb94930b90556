-- why: the question for a subscription's status is found also while an overdue sweep has the row's moment
-- breaking: no
-- lock: writes to checks wait while the index is built
-- duration: seconds per million checks

CREATE INDEX checks_statuses_at ON checks (((progress ->> 'statusesAt')::bigint)) WHERE sweep;
