import AppStoreJWS
package import PurchaseCore

extension VouchService {
    /// See ``SupportUseCases/evidence(of:after:limit:)``.
    package func evidence(
        of transaction: TransactionID, after item: EvidenceID?, limit: Int
    ) async throws(ServiceError) -> (items: [EvidenceView], next: EvidenceID?) {
        let loaded = try await withLedger { () async throws(LedgerError) in
            try await ledger.chain(holding: transaction)
        }
        guard let chain = loaded, let state = chain.transactions[transaction]?.state else { throw .notFound }
        // What decides may be about a sibling: the same purchase under another id.
        let all = chain.evidence.values.filter {
            $0.facts.transactionID == transaction || $0.id == state.deciding
        }
        .sorted { Evidence.precedes($1, $0) }
        var rest = all[...]
        if let item {
            guard let index = all.firstIndex(where: { $0.id == item }) else { throw .notFound }
            rest = all[(index + 1)...]
        }
        let page = Array(rest.prefix(limit))
        let proofs = try await withLedger { () async throws(LedgerError) in
            try await ledger.proofs(of: page.map(\.id))
        }
        if !all.isEmpty, !proofs.values.contains(where: { $0.jws != nil }) {
            // Others of the transaction's texts may be left: what is gone from this page is then listed without its own.
            guard try await isTextLeft(of: all.map(\.id)) else { throw .evidenceErased }
        }
        var items: [EvidenceView] = []
        for evidence in page {
            items.append(
                await view(of: evidence, proof: proofs[evidence.id], isDeciding: evidence.id == state.deciding))
        }
        return (items, rest.count > limit ? page.last?.id : nil)
    }

    /// Items whose texts are loaded at once; each has some 10 KB.
    private static let textsMax = 50

    /// Whether the signed text of one item at least is there still.
    private func isTextLeft(of evidence: [EvidenceID]) async throws(ServiceError) -> Bool {
        var rest = evidence[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(Self.textsMax))
            rest = rest.dropFirst(Self.textsMax)
            let proofs = try await withLedger { () async throws(LedgerError) in try await ledger.proofs(of: chunk) }
            if proofs.values.contains(where: { $0.jws != nil }) { return true }
        }
        return false
    }

    private func view(of evidence: Evidence, proof: StoredProof?, isDeciding: Bool) async -> EvidenceView {
        let recorded = proof?.standing ?? .stale
        // Another item may decide since, and this one may not have decided when it came.
        let standing: LedgerEntry.Standing = isDeciding ? .deciding : recorded == .deciding ? .stale : recorded
        var view = EvidenceView(evidence: evidence, standing: standing, position: proof?.position)
        guard let jws = proof?.jws else { return view }
        let report = await dependencies.verifier.offline.report(
            on: jws, as: .transaction, now: dependencies.clock.now())
        let digest = Hexadecimal.text(dependencies.cryptography.sha256(Array(jws.utf8)))
        view.jws = jws
        view.certificates = CertificateSummary.all(in: jws).map(EvidenceView.Certificate.init)
        view.verification = EvidenceView.Verification(report, hasRecordedDigest: digest == evidence.id.sha256)
        return view
    }
}

extension EvidenceView.Certificate {
    fileprivate init(_ summary: CertificateSummary) {
        self.init(
            subject: summary.subject, issuer: summary.issuer, serialNumber: summary.serialNumber,
            notBefore: summary.notBefore, notAfter: summary.notAfter)
    }
}

extension EvidenceView.Verification {
    /// The ledger's digest is the first step, the verifier's follow.
    fileprivate init(_ report: VerificationReport, hasRecordedDigest: Bool) {
        let failed = VerificationReport.Result.failed.rawValue
        let passed = VerificationReport.Result.passed.rawValue
        let digest = EvidenceView.Step(
            name: "digest", result: hasRecordedDigest ? passed : failed,
            detail: "SHA-256 of the text is what the ledger recorded")
        steps =
            [digest]
            + report.lines.map { line in
                let needsNetwork = line.step == .ocsp && line.result == .skipped && report.conclusion == .verified
                return EvidenceView.Step(
                    name: line.step.rawValue, result: line.result.rawValue,
                    detail: needsNetwork ? "needs the network, so it is not asked again here" : line.detail)
            }
        switch report.conclusion {
        case .verified: result = hasRecordedDigest ? passed : failed
        case .invalid: result = failed
        case .undetermined: result = hasRecordedDigest ? VerificationReport.Result.undetermined.rawValue : failed
        }
    }
}
