extension Evidence {
    /// Law 2's order: by signedDate, then revoked over not revoked, then the larger digest.
    ///
    /// The last step keeps the order total, so that two replicas that saw the same set always agree.
    package static func precedes(_ left: Evidence, _ right: Evidence) -> Bool {
        if left.facts.signedDate != right.facts.signedDate { return left.facts.signedDate < right.facts.signedDate }
        if left.facts.isRevoked != right.facts.isRevoked { return right.facts.isRevoked }
        return left.id < right.id
    }
}

/// The outcome of law 2 over the authoritative evidence of one purchase.
package struct Deciding: Equatable, Sendable {
    /// The item whose fields hold.
    package let evidence: Evidence
    /// Whether an earlier refund is known and has been undone.
    package let refundReversed: Bool
    /// Whether a clean answer stands above the refund without counting yet: Apple is asked again.
    package let uncountedReversal: Bool

    /// How far apart two of Apple's own clean answers must be signed to undo a refund without a REFUND_REVERSED.
    package static let confirmationDistance = Span.hours(1)

    /// Picks the deciding item of a set, in whatever order and however often its items come; `nil` for an empty one.
    ///
    /// A refund is undone by Apple's word (REFUND_REVERSED without revocationDate), or by two clean `app_store` answers
    /// signed at least ``confirmationDistance`` apart. One stale answer never un-refunds.
    package static func choose(from evidence: some Sequence<Evidence>) -> Deciding? {
        let ordered = evidence.sorted(by: Evidence.precedes)
        guard let greatest = ordered.last else { return nil }
        guard let refundIndex = ordered.lastIndex(where: { $0.facts.isRevoked }) else {
            return Deciding(evidence: greatest, refundReversed: false, uncountedReversal: false)
        }
        let above = ordered[(refundIndex + 1)...]
        guard !above.isEmpty else {
            return Deciding(evidence: greatest, refundReversed: false, uncountedReversal: false)
        }
        if countsAsReversal(above) {
            return Deciding(evidence: greatest, refundReversed: true, uncountedReversal: false)
        }
        return Deciding(evidence: ordered[refundIndex], refundReversed: false, uncountedReversal: true)
    }

    private static func countsAsReversal(_ clean: ArraySlice<Evidence>) -> Bool {
        if clean.contains(where: { $0.notificationType == "REFUND_REVERSED" }) { return true }
        let answers = clean.filter { $0.id.source == .appStore }.map(\.facts.signedDate)
        guard let first = answers.first, let last = answers.last else { return false }
        return last - first >= confirmationDistance
    }
}
