extension DecisionStatement {
    /// What support decided about an account: made once, and then at most ended.
    static let override = Section(
        "override", { $0.overrides },
        """
        INSERT INTO overrides (override_id, chain_id, made_version, chain_version, account_number, key, environment,
            effect, since, until, reason_number, ended_at, end_reason_number)
        SELECT r.id, cas.chain_id, cas.version, cas.version, r.account, r.key, r.environment, r.effect,
            instant(r.since), instant(r.until), r.reason_number, instant(r.ended_at), r.end_reason_number
        FROM cas, jsonb_to_recordset($rows) AS r(id text, account bigint, key text, environment text, effect text,
            since bigint, until bigint, reason_number bigint, ended_at bigint, end_reason_number bigint)
        ON CONFLICT (override_id) DO UPDATE SET chain_version = excluded.chain_version,
            ended_at = excluded.ended_at, end_reason_number = excluded.end_reason_number
        """)
}
