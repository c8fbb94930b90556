/// Every metric that the service exports, in one place: what is not in here is not exported.
///
/// `docs/metrics.md` describes each for people, and a test compares the two. A name or a label that changes breaks
/// dashboards and alerts.
enum MetricCatalogue {
    /// Recorded where things happen, by the process itself.
    static let recorded: [MetricDefinition] = edge + decisions + appStore + verification + asking + database + registry

    /// Read at each scrape.
    static let sampled: [MetricDefinition] =
        process + [buildInfo, requestsWaiting, requestsRunning, scrapeErrors] + work

    /// Everything.
    static let all: [MetricDefinition] = recorded + sampled

    private static let edge: [MetricDefinition] = [
        .counter(
            "vouch_http_requests_total", by: ["operation", "method", "status"],
            "HTTP requests answered on the service's address."),
        .histogram(
            "vouch_http_request_duration_seconds", by: ["operation"],
            "Time from a request's head to its answer's head."),
        .counter(
            "vouch_user_tokens_total", by: ["outcome"], "Users' tokens that were judged, by what came of it."),
        .counter(
            "vouch_user_key_fetches_total", by: ["outcome"],
            "Attempts to read the identity provider's keys, by what came of them."),
    ]

    private static let decisions: [MetricDefinition] = [
        .counter("vouch_decisions_total", by: ["input", "outcome"], "Decisions by what came in and what came of it."),
        .counter(
            "vouch_transaction_states_total", by: ["environment", "state", "reason"],
            "Transactions that entered a state, or changed its reason."),
        .counter("vouch_transactions_refused_total", by: ["refusal"], "Transactions that were refused."),
        .counter(
            "vouch_grants_total", by: ["kind", "status"], "Deliveries that were written, acknowledged or cancelled."),
        .counter("vouch_submissions_refused_total", by: ["refusal"], "Posts whose signed transaction was refused."),
        .counter("vouch_console_sign_ins_total", by: ["outcome"], "Attempts to sign in to the console."),
        .counter("vouch_posts_held_up_total", "Posts of bare ids turned away for too many misses."),
        .counter(
            "vouch_notifications_total", by: ["origin", "outcome"],
            "Apple's notifications by how they came and what became of them."),
        .counter("vouch_restores_total", by: ["outcome"], "Calls of a restore by how far they came."),
        .counter(
            "vouch_alarms_total", by: ["alarm"], "What an operator should look at; each is logged as an error too."),
    ]

    private static let appStore: [MetricDefinition] = [
        .counter(
            "vouch_app_store_calls_total", by: ["endpoint", "environment", "lane", "outcome"],
            "Questions to Apple by what came of them, those that the budget turned away included."),
        .histogram(
            "vouch_app_store_call_duration_seconds", by: ["endpoint", "environment"],
            "Time of one exchange with Apple's host, without the wait for the budget."),
        .counter(
            "vouch_app_store_budget_tokens_total", by: ["environment", "class"],
            "Requests that this process took out of the shared budget."),
        .gauge(
            "vouch_app_store_budget_tokens_per_second", by: ["environment", "class"],
            "Requests a second that the budget of all processes together allows."),
        .histogram(
            "vouch_app_store_budget_wait_seconds", by: ["lane"],
            "Time that a call waited for the budget, however it ended."
        ),
        .counter(
            "vouch_app_store_budget_refusals_total", by: ["lane", "reason"], "Calls that the budget turned away."),
        .gauge(
            "vouch_app_store_throttled_until_timestamp_seconds", by: ["environment", "class"],
            "UNIX time until which Apple asked for a pause; 0 while there is none."),
        .gauge(
            "vouch_app_store_clock_skew_seconds", "Our clock minus Apple's, by Apple's newest answer."),
    ]

    private static let verification: [MetricDefinition] = [
        .counter(
            "vouch_verifications_total", by: ["kind", "outcome", "code"],
            "Signed payloads that were checked, by outcome and the code of what was wrong or open."),
        .counter("vouch_ocsp_requests_total", by: ["outcome"], "Questions to OCSP responders, cached answers aside."),
        .histogram("vouch_ocsp_request_duration_seconds", "Time of one question to an OCSP responder."),
    ]

    private static let asking: [MetricDefinition] = [
        .gauge("vouch_asks_queued", by: ["lane"], "Questions to Apple that wait for a place in this process."),
        .gauge("vouch_asks_running", by: ["lane"], "Questions to Apple under way in this process."),
        .counter(
            "vouch_asks_rejected_total", by: ["lane"], "Questions that found the queue full; the worker takes over."),
        .gauge("vouch_ask_flights", "Transactions that somebody in this process asks about or waits for."),
        .counter(
            "vouch_ask_waits_refused_total",
            "Posts that were answered unsettled at once, since too many waited for Apple already."),
        .gauge("vouch_recordings_max", "Posts that are let into the ledger at once."),
        .counter("vouch_posts_shed_total", "Posts refused since as many were on their way into the ledger."),
    ]

    private static let database: [MetricDefinition] = [
        .gauge("vouch_postgres_connections", by: ["lane"], "Open database connections."),
        .counter(
            "vouch_postgres_connections_opened_total", by: ["lane"],
            "Database connections opened; all after the first few are reconnects."),
        .counter(
            "vouch_postgres_connections_lost_total", by: ["lane"], "Database connections that broke or were given up."),
        .counter("vouch_postgres_connects_failed_total", by: ["lane"], "Attempts to connect that failed."),
        .counter("vouch_postgres_statements_total", by: ["lane"], "Statements that the database answered."),
        .counter("vouch_postgres_commits_total", "Group commits that the database confirmed."),
        .histogram(
            "vouch_postgres_commit_duration_seconds", "Time from sending a group commit to its confirmation."),
        .histogram(
            "vouch_postgres_commit_batch_statements", bounds: MetricDefinition.batchBounds,
            "Statements sent in one group commit."),
        .counter("vouch_postgres_commit_redos_total", "Group commits sent again without a statement that failed."),
        .histogram(
            "vouch_postgres_lookup_batch_keys", bounds: MetricDefinition.batchBounds,
            "Keys of different requests that one statement looked up."),
    ]

    private static let registry: [MetricDefinition] = [
        .counter(
            "vouch_metrics_dropped_total",
            "Series that were refused: of an unknown metric, with other labels, or beyond the bound.")
    ]

    private static let process: [MetricDefinition] = [
        .gauge("process_start_time_seconds", "UNIX time at which the process started."),
        .gauge("process_resident_memory_bytes", "Memory that the process holds."),
        .gauge("process_open_fds", "Open file descriptors."),
        .gauge("process_max_fds", "File descriptors that the process may open."),
    ]

    static let buildInfo = MetricDefinition.gauge(
        "vouch_build_info", by: ["version"], "Always 1; the label is the program's version.")
    static let requestsWaiting = MetricDefinition.gauge(
        "vouch_postgres_requests_waiting", by: ["lane"], "Requests that wait for a database connection.")
    static let requestsRunning = MetricDefinition.gauge(
        "vouch_postgres_requests_running", by: ["lane"],
        "Statements under way on a database connection, sessions aside.")
    /// Says of a scrape itself whether it is complete.
    static let scrapeErrors = MetricDefinition.gauge(
        "vouch_scrape_errors",
        "1 when the values that live in the database could not be read for this scrape, else 0.")
}

// From the database: the same in every process, so take the greatest of them, never the sum.
extension MetricCatalogue {
    static let transactionsUnsettled = MetricDefinition.gauge(
        "vouch_transactions_unsettled", by: ["state", "reason"],
        "Transactions that wait for Apple's word or another fact.")
    static let casesOpen = MetricDefinition.gauge(
        "vouch_cases_open", "Disputes between accounts that support has not resolved.")
    static let checksDue = MetricDefinition.gauge(
        "vouch_checks_due", by: ["queue"], "Planned questions to Apple whose time has come.")
    static let checksOldestAge = MetricDefinition.gauge(
        "vouch_checks_oldest_due_age_seconds", by: ["queue"], "How long the oldest of them has been due.")
    static let notificationsWaiting = MetricDefinition.gauge(
        "vouch_notifications_waiting", "Stored notifications that wait to be verified or applied.")
    static let lastNotification = MetricDefinition.gauge(
        "vouch_notification_last_received_timestamp_seconds", "UNIX time at which the last notification came in.")
    static let consumptionRequestsOpen = MetricDefinition.gauge(
        "vouch_consumption_requests_open", "Apple's requests for consumption information that can still be answered.")
    static let consumptionDeadline = MetricDefinition.gauge(
        "vouch_consumption_next_deadline_timestamp_seconds", "UNIX time until which the next of them must be answered."
    )
    static let coverageLag = MetricDefinition.gauge(
        "vouch_coverage_lag_seconds", by: ["environment"],
        "Age of the moment up to which all of Apple's notifications are known to be here.")
    static let coverageFailing = MetricDefinition.gauge(
        "vouch_coverage_failing_seconds", by: ["environment"],
        "For how long sweeps of Apple's notification history have failed; 0 when the last one succeeded.")

    fileprivate static let work = [
        transactionsUnsettled, casesOpen, checksDue, checksOldestAge, notificationsWaiting, lastNotification,
        consumptionRequestsOpen, consumptionDeadline, coverageLag, coverageFailing,
    ]
}
