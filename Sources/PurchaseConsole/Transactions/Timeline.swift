import PurchaseAPI
import PurchaseCore
import PurchaseService

/// The events of a chain, newest first, for `timeline.mustache`.
struct Timeline: Sendable {
    /// One event of the ledger.
    struct Line: Sendable {
        let at: ShownTime
        /// What it means, in a sentence.
        let text: String
        /// The name of the key that acted; `nil` for the service itself.
        let who: String?
        /// The words of that person.
        let why: String?
        /// What changed, in short.
        let changes: [String]
        let position: String
    }

    let lines: [Line]
    /// The address of the page with older events.
    let older: String?
    /// The address of the page with newer events.
    let newer: String?

    /// Takes a page of events: `after` is the chain's version before the first of them, `until` its version now.
    init(
        _ events: [RecordedEvent], of id: TransactionID, after: Int64, until: Int64, perPage: Int64,
        reasons: [Int64: String]
    ) {
        lines = events.reversed().map { event in
            Line(
                at: ShownTime(event.recordedAt),
                // A rule of a newer version has no sentence here.
                text: Rule(rawValue: event.rule)?.sentence ?? ShownCode.words(event.rule), who: event.actor,
                why: event.entries.lazy.compactMap(\.reasonNumber).compactMap { reasons[$0] }.first,
                changes: event.entries.map(ChangeWords.text), position: String(event.position))
        }
        func address(_ version: Int64) -> String {
            ConsoleAddress.with(
                ConsoleAddress.transaction(id), query: [("events", PageCursor.text(afterVersion: version))])
                + "#timeline"
        }
        older = after > 0 ? address(max(0, after - perPage)) : nil
        let last = events.last?.chainVersion ?? until
        newer = last < until ? address(last) : nil
    }
}

/// What an event changed, in a few words; accounts are left out, since their names may have been erased.
enum ChangeWords {
    static func text(_ entry: LedgerEntry) -> String {
        switch entry {
        case .identified(.original(let environment, let id)): "chain \(id.rawValue) in \(environment.rawValue)"
        case .identified(.provisional(let id)): "recorded \(id.rawValue)"
        case .identified(.account): "account's decisions"
        case .absorbed: "taken in by another chain"
        case .transaction(let transaction): state(of: transaction)
        case .evidence(let id, let standing):
            "evidence \(id.sha256.prefix(12))… from \(words(id.source.rawValue)): \(words(standing.rawValue))"
        case .renewal(let renewal): "renewal info \(renewal.id.sha256.prefix(12))…"
        case .claim(let claim): "claim: \(words(claim.status.rawValue))"
        case .claimCase(let dispute):
            "case \(dispute.id.rawValue): \(dispute.resolution?.outcome.rawValue ?? dispute.status.rawValue)"
        case .grant(let grant): "\(grant.kind.rawValue) of \(grant.amount): \(grant.status.rawValue)"
        case .entitlement(let right):
            "entitlement \(right.id.key)" + (right.until.map { " until \(ShownTime($0).text)" } ?? "")
        case .entitlementEnded(let id): "entitlement \(id.key) ended"
        case .movement(let movement): "\(words(movement.kind.rawValue)) \(amount(of: movement))"
        case .accountErased: "account erased"
        case .claimReleased: "claim released"
        case .checkRequested(let id, _): "Apple asked about \(id.rawValue)"
        case .staffOverride(let override):
            "\(override.terms.effect.rawValue) \(override.terms.key)" + (override.ending == nil ? "" : " ended")
        }
    }

    private static func state(of transaction: Transaction) -> String {
        "\(transaction.id.rawValue): \(transaction.state.name.rawValue), \(words(transaction.state.reasonCode))"
            + (transaction.refusal.map { ", refused: \(words($0.rawValue))" } ?? "")
    }

    private static func amount(of movement: Movement) -> String {
        guard let milliunits = movement.amountMilliunits, let currency = movement.currency else {
            return "of no known price"
        }
        return Money(milliunits: milliunits, currency: currency).shown
    }

    private static func words(_ code: String) -> String { ShownCode.words(code) }
}
