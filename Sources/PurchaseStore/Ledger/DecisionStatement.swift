package import Postgres
import PurchaseCore
package import PurchaseService
import Synchronization

/// Builds the one statement that commits one decision, or many that have nothing to do with each other (design §2, "How
/// it is written"; ADR 0016).
///
/// Its first part, `cas`, is the compare-and-set on each chain's version; every other write selects from it, so a decision
/// that misses writes nothing at all, whatever becomes of the others. Starting a statement that writes to a dozen tables
/// costs PostgreSQL more than the rows of one decision do, which is why many share one. Parts without rows are left out;
/// the few dozen texts that occur are prepared once per connection. Foreign keys are checked when the whole statement
/// ends, so parts may refer to each other in both directions.
package struct DecisionStatement {
    private var parts: [String] = []
    private var values: [PostgresValue] = []

    /// The statement of a decision by itself; leaves out the certificates that an earlier commit stored already, by their
    /// digests.
    ///
    /// Its rows are `ordinal` (0) and `chain_id`, or none for a chain that isn't as it was. Throws
    /// ``PurchaseService/LedgerError`` with `refused` for a decision that could not be ours.
    package static func build(
        _ decision: CommittableDecision, storedHeaders: Set<[UInt8]>
    ) throws(LedgerError) -> SQL {
        build([try PreparedDecision(decision)], storedHeaders: storedHeaders)
    }

    /// The statement of decisions that touch nothing in common; one that ``PreparedDecision/standsAlone`` comes by itself.
    static func build(_ decisions: [PreparedDecision], storedHeaders: Set<[UInt8]>) -> SQL {
        let rows = withoutStoredHeaders(decisions.map(\.rows), storedHeaders)
        var statement = DecisionStatement()
        statement.values = [.text(decisions.first?.decision.process ?? "")]
        var shape: UInt64 = 0
        var present: [(section: RowSection, after: Int)] = []
        for (index, section) in sections.enumerated() {
            guard let values = section.values(rows) else { continue }
            shape |= 1 << UInt64(index)
            present.append((section, statement.values.count))
            statement.values += values
        }
        guard let single = decisions.first, single.standsAlone else {
            return SQL(text: texts.text(of: shape) { text(of: present, more: []) }, values: statement.values)
        }
        statement.addRareParts(of: single)
        return SQL(text: text(of: present, more: statement.parts), values: statement.values)
    }

    /// The statement that keeps a notification which no decision goes with.
    static func keep(_ notification: NotificationRecord) -> SQL {
        let rows = [DecisionRows(keeping: notification)]
        var values: [PostgresValue] = []
        var parts = ["cas AS (SELECT 0 AS ordinal)"]
        for section in sections {
            guard let own = section.values(rows) else { continue }
            parts.append(section.text(after: values.count, process: "NULL"))
            values += own
        }
        return SQL(text: "WITH " + parts.joined(separator: ",\n") + "\nSELECT FROM notification", values: values)
    }

    /// Certificates that are stored need not be written again; within one decision once is enough.
    ///
    /// Those of another decision don't count: if that one misses, it writes nothing.
    private static func withoutStoredHeaders(
        _ decisions: [DecisionRows], _ stored: Set<[UInt8]>
    ) -> [DecisionRows] {
        decisions.map { decision in
            var (decision, known) = (decision, stored)
            decision.headers.removeAll { !known.insert($0.sha256).inserted }
            return decision
        }
    }

    private static let texts = StatementTexts()

    private static func text(of present: [(section: RowSection, after: Int)], more: [String]) -> String {
        var parts: [String] = []
        for (section, bound) in present {
            parts.append(section.text(after: bound, process: "$1"))
            if section.name == Self.decisions { parts += Self.compareAndSet }
        }
        return "WITH " + (parts + more).joined(separator: ",\n") + "\nSELECT ordinal, chain_id FROM cas"
    }

    // MARK: Rare parts

    /// Binds a value and returns its place.
    mutating func bind(_ value: PostgresValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }

    mutating func add(_ name: String, _ text: String) { parts.append("\(name) AS (\(text))") }

    /// What few decisions do: each is the only one of its statement, and so `cas` has one row.
    private mutating func addRareParts(of prepared: PreparedDecision) {
        let decision = prepared.decision
        if let absorbed = decision.recorded.absorbed?.id, let entries = prepared.absorbedEntries {
            absorb(absorbed, entries: entries)
        }
        if let reason = decision.reason { self.reason(reason) }
        erase(decision)
    }

    /// The provisional chain ends with an event of its own; its claims are this chain's now.
    private mutating func absorb(_ id: ChainID, entries: String) {
        let chain = bind(.int8(id.rawValue))
        add(
            "absorbed",
            """
            UPDATE chains c SET version = c.version + 1, absorbed_by = cas.chain_id FROM cas
            WHERE c.chain_id = \(chain) RETURNING c.chain_id, c.version
            """)
        add("absorbed_claims", "DELETE FROM claims l USING cas WHERE l.chain_id = \(chain)")
        add(
            "absorbed_event",
            """
            INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, request_id,
                evidence_sha256, evidence_source, entries)
            SELECT absorbed.chain_id, absorbed.version, d.recorded_at, d.input, d.rule, d.policy, d.actor, d.request,
                d.sha256, d.source, \(bind(.jsonb(entries))) FROM absorbed, decisions d
            """)
    }
}

/// The texts of statements by the sections that they have; bounded.
private final class StatementTexts: Sendable {
    private static let maximum = 512
    private let known = Mutex<[UInt64: String]>([:])

    func text(of shape: UInt64, make: () -> String) -> String {
        if let text = known.withLock({ $0[shape] }) { return text }
        let text = make()
        known.withLock { known in
            if known.count >= Self.maximum { known.removeAll() }
            known[shape] = text
        }
        return text
    }
}
