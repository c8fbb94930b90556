import ArgumentParser
import PurchaseCore
import PurchaseService

/// What a backfill has to do, once its options are checked against Apple's horizon.
struct BackfillRequest: Equatable {
    /// One store's span.
    struct Part: Equatable {
        let environment: StoreEnvironment
        let span: HistorySlice
    }

    /// Production first.
    let parts: [Part]
    /// Also what earlier runs have done.
    let again: Bool
    /// Which stores were cut or left out, and why; a sentence each.
    let notices: [String]
}

extension Backfill {
    /// Checks the span: its order, the future, and how far back Apple goes.
    ///
    /// A store that was not asked for by name is cut to its horizon, or left out, as long as another one reaches further.
    func request(allowed: Set<StoreEnvironment>, now: Instant) throws -> BackfillRequest {
        let start = try Self.instant(from, of: "--from")
        let end = try to.map { text in try Self.instant(text, of: "--to") } ?? now
        guard end <= now else { throw CommandFailure("--to lies in the future", exit: .usage) }
        guard start < end else { throw CommandFailure("--from is not before --to", exit: .usage) }
        if let environment, !allowed.contains(environment) {
            throw CommandFailure(
                "--environment \(environment.rawValue) is not one of VOUCH_APP_ENVIRONMENTS", exit: .usage)
        }
        let margin = CoverageConfiguration().horizonMargin
        let stores = (environment.map { [$0] } ?? allowed).sorted()
        let oldest = stores.map { (environment: $0, at: now - $0.notificationHistoryHorizon + margin) }
        guard oldest.contains(where: { $0.at <= start }) else {
            let limits = oldest.map { "\($0.environment.rawValue) \(UTCTime.text($0.at))" }.joined(separator: ", ")
            throw CommandFailure(
                "--from \(from) is further back than Apple keeps notifications; the oldest possible: \(limits)",
                exit: .usage)
        }
        var parts: [BackfillRequest.Part] = []
        var notices: [String] = []
        for store in oldest {
            let from = max(start, store.at)
            if from < end {
                let span = HistorySlice(from: from, to: end)
                parts.append(BackfillRequest.Part(environment: store.environment, span: span))
            }
            guard from > start else { continue }
            notices.append(
                "Apple keeps notifications of \(store.environment.rawValue) for a shorter time: "
                    + (from < end ? "it begins at \(UTCTime.text(from))" : "it is left out"))
        }
        return BackfillRequest(parts: parts, again: again, notices: notices)
    }
}
