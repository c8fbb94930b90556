extension DecisionStatement {
    /// The name of the part that holds the decisions themselves, one row each.
    static let decisions = "decisions"

    /// The decisions: which chain at which version, what it becomes, and the event.
    ///
    /// A new chain gets its number here, so that its rows can be told from those of other new ones.
    static let heads = RowSection(
        decisions, { $0.head.map { [$0] } ?? [] },
        [
            .number("known_chain", \.chain), .number("known_version", \.version), .text("environment", \.environment),
            .text("original", \.original), .text("provisional", \.provisional), .number("account", \.account),
            .text("new_transactions", \.newTransactions), .text("new_claimants", \.newClaimants),
            .number("absorbed", \.absorbed), .number("absorbed_version", \.absorbedVersion),
            .instant("recorded_at", \.recordedAt), .text("input", \.input), .text("rule", \.rule),
            .text("policy", \.policy), .text("actor", \.actor), .text("request", \.request), .bytes("sha256", \.sha256),
            .text("source", \.source), .json("entries", \.entries),
        ],
        """
        SELECT r.*, coalesce(r.known_chain, nextval('chains_chain_id_seq')) AS chain_id FROM $rows
        """)

    /// Whose accounts are being erased can't claim anew, and ids that the decision brings belong to no other chain.
    private static let guards = """
        NOT EXISTS (SELECT FROM transactions t WHERE t.transaction_id = ANY (string_to_array(d.new_transactions, ',')))
            AND NOT EXISTS (SELECT FROM erasures x
                WHERE x.account_number = ANY (string_to_array(d.new_claimants, ',')::bigint[]))
        """

    /// The compare-and-set: `cas` has a row for each decision that holds.
    ///
    /// Every decision of a statement is about another chain, so `chain_id` identifies it. Whether a chain was taken in is
    /// asked by `coalesce`, not by `IS NULL`, for which PostgreSQL may take the index of all chains that weren't: a plan that
    /// was made while they were few would go on reading every one of them.
    static let compareAndSet = [
        """
        made AS (INSERT INTO chains (chain_id, version, environment, original_transaction_id, provisional_transaction_id,
            account_number) OVERRIDING SYSTEM VALUE
        SELECT d.chain_id, 1, d.environment, d.original, d.provisional, d.account FROM decisions d
        WHERE d.known_chain IS NULL AND \(guards)
        ORDER BY d.ordinal
        ON CONFLICT DO NOTHING RETURNING chain_id, version)
        """,
        """
        moved AS (UPDATE chains c SET version = c.version + 1, environment = d.environment,
            original_transaction_id = d.original, provisional_transaction_id = d.provisional
        FROM decisions d
        WHERE c.chain_id = d.known_chain AND c.version = d.known_version AND coalesce(c.absorbed_by, 0) = 0
            AND (d.absorbed IS NULL OR EXISTS (SELECT FROM chains o WHERE o.chain_id = d.absorbed
                AND o.version = d.absorbed_version AND coalesce(o.absorbed_by, 0) = 0))
            AND NOT EXISTS (SELECT FROM chains o WHERE o.environment = d.environment
                AND o.original_transaction_id = d.original AND o.chain_id <> d.known_chain)
            AND \(guards)
        RETURNING c.chain_id, c.version)
        """,
        """
        cas AS (SELECT d.ordinal, d.chain_id, w.version
        FROM (SELECT * FROM made UNION ALL SELECT * FROM moved) w JOIN decisions d USING (chain_id))
        """,
        """
        event AS (INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, request_id,
            evidence_sha256, evidence_source, entries)
        SELECT cas.chain_id, cas.version, d.recorded_at, d.input, d.rule, d.policy, d.actor, d.request, d.sha256, d.source,
            d.entries
        FROM cas JOIN decisions d USING (ordinal) ORDER BY cas.ordinal)
        """,
    ]
}
