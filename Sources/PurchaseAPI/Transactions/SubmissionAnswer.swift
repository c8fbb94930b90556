import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

/// Which answer a posted transaction gets: a refusal before a claim by another account before the state.
struct SubmissionAnswer {
    /// When no check is planned, as between two planned ones: how long to wait before asking, in seconds.
    private static let defaultPauseSeconds = 5

    let configuration: APIConfiguration

    /// The answer; throws the problem that a refusal or a dispute is.
    func response(to outcome: SubmissionOutcome) throws(Problem) -> Response {
        switch outcome {
        case .refused(let refusal, let detail):
            throw refused(refusal.rawValue, Syntax.printable(detail, maximumCharacters: 900), nil, nil)
        case .recorded(let view, let claimToken):
            return try recorded(view, claimToken)
        }
    }

    private func recorded(_ view: TransactionView, _ claimToken: String) throws(Problem) -> Response {
        if let refusal = view.transaction.refusal {
            throw refused(refusal.rawValue, Self.explanation(of: refusal), view, claimToken)
        }
        if let claim = view.claim {
            switch claim.status {
            case .refused:
                let refusal = claim.refusal ?? .accountTokenMismatch
                throw refused(refusal.rawValue, Self.explanation(of: refusal), view, claimToken)
            case .conflict: throw try claimed(claim, view, claimToken)
            case .waiting, .held: break
            }
        }
        var writer = JSONWriter()
        writer.transaction(view, bundleID: configuration.bundleID, claimToken: claimToken)
        switch view.transaction.state {
        case .paid, .refunded: return .json(writer)
        case .received, .pending:
            return .json(
                writer, status: .accepted,
                headers: [.retryAfter: String(pauseSeconds(until: view.nextCheckAt))])
        }
    }

    private func refused(_ refusal: String, _ detail: String, _ view: TransactionView?, _ token: String?) -> Problem {
        var problem = Problem(.transactionRefused, detail)
        problem.submission.refusal = refusal
        problem.submission.claimToken = token
        problem.submission.finish = view?.mayFinish ?? false
        return problem
    }

    private func claimed(_ claim: Claim, _ view: TransactionView, _ token: String) throws(Problem) -> Problem {
        guard let caseID = claim.caseID else { throw .fault("a claim in conflict has no case") }
        var problem = Problem(
            .transactionClaimed, "Another account holds this purchase. Support can resolve the case.")
        problem.submission.caseID = caseID.rawValue
        problem.submission.claimToken = token
        problem.submission.finish = view.mayFinish
        return problem
    }

    /// Whole seconds, rounded up, at least one.
    private func pauseSeconds(until instant: Instant?) -> Int {
        guard let instant else { return Self.defaultPauseSeconds }
        return Problem.pauseSeconds(until: instant, now: configuration.now())
    }

    private static func explanation(of refusal: TransactionRefusal) -> String {
        switch refusal {
        case .bundleMismatch: "It is a genuine purchase of another app."
        case .environmentNotAllowed: "It is a genuine purchase in a store that this service does not accept."
        case .notFound: "Apple does not know the transaction. Posting it again asks again."
        }
    }

    private static func explanation(of refusal: Claim.Refusal) -> String {
        switch refusal {
        case .accountTokenMismatch: "The purchase carries the appAccountToken of another account."
        }
    }
}
