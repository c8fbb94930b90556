package import PurchaseCore

/// A verification, step by step, for people: what `vouch verify` prints.
package struct VerificationReport: Sendable {
    /// One line: a check and how it ended.
    package struct Line: Equatable, Sendable {
        /// The check.
        package let step: VerificationStep
        /// How it ended.
        package let result: Result
        /// What was found; safe to show, except that dates are those of the evidence.
        package let detail: String
    }

    /// How a check ended.
    package enum Result: String, Sendable {
        /// Nothing wrong.
        case passed
        /// Invalid: the steps after it are skipped.
        case failed
        /// Neither: the steps after it are skipped.
        case undetermined
        /// Not made.
        case skipped
    }

    /// How the whole ended.
    package enum Conclusion: Equatable, Sendable {
        /// All checks that were made passed.
        case verified
        /// A check failed.
        case invalid(VerificationFailure)
        /// A check is open.
        case undetermined(VerificationDoubt)
    }

    /// A line for each step, in order.
    package let lines: [Line]
    /// The end.
    package let conclusion: Conclusion
    /// What the evidence says about itself; there if its signature is good and it could be read.
    package let evidence: Evidence?

    /// What signed evidence says about itself.
    package struct Evidence: Sendable {
        /// Its kind.
        package let kind: SignedPayloadKind
        /// SHA-256 of the JWS, 32 bytes.
        package let sha256: [UInt8]
        /// When it was signed.
        package let signedDate: Instant
        /// Until when its signing certificate is valid.
        package let leafNotAfter: Instant
        /// The app that it names, if it names one.
        package let bundleID: BundleID?
        /// Apple's text for the environment that it names, if it names one.
        package let environment: String?
        /// Paths of fields that could not be read.
        package let oddFields: [String]
        /// The payload, JSON text as signed.
        package let payload: String
    }
}

extension JWSVerifier {
    /// Verifies a JWS of any kind and says how each step went.
    ///
    /// The cache isn't used, so that every step is really made. A `kind` of `nil` takes what the payload shows itself to
    /// be; white space around the text is not part of a JWS and makes it malformed.
    package func report(on jws: String, as kind: SignedPayloadKind? = nil, now: Instant) async -> VerificationReport {
        let verifier = JWSVerifier(trustedRoots: trustedRoots, ocsp: ocsp)
        let opened: OpenedJWS
        let payload: JSONObject
        do throws(VerificationFailure) {
            opened = try await verifier.open(jws, now: now)
            payload = try Self.parse(opened.payload)
        } catch {
            return VerificationReport(conclusion: .invalid(error), evidence: nil, facts: [:])
        }
        switch kind ?? SignedPayloadKind.of(payload) {
        case .transaction:
            return await verifier.report(JWSTransactionDecodedPayload.self, payload, jws: jws, opened: opened, now: now)
        case .renewalInfo:
            return await verifier.report(JWSRenewalInfoDecodedPayload.self, payload, jws: jws, opened: opened, now: now)
        case .notification:
            return await verifier.report(ResponseBodyV2DecodedPayload.self, payload, jws: jws, opened: opened, now: now)
        case .appTransaction:
            return await verifier.report(AppTransaction.self, payload, jws: jws, opened: opened, now: now)
        case .none:
            let failure = VerificationFailure(.payloadKind, "signed, but of no kind that is read here")
            return VerificationReport(conclusion: .invalid(failure), evidence: nil, facts: facts(of: opened))
        }
    }

    private func report<Claims: ReadablePayload>(
        _ type: Claims.Type, _ payload: JSONObject, jws: String, opened: OpenedJWS, now: Instant
    ) async -> VerificationReport {
        var facts = facts(of: opened)
        let claims: Claims
        do throws(VerificationFailure) {
            claims = try Self.read(payload, of: opened)
        } catch {
            return VerificationReport(conclusion: .invalid(error), evidence: nil, facts: facts)
        }
        let leafNotAfter = opened.chain.leafValidity.notAfter
        let evidence = VerificationReport.Evidence(
            kind: Claims.kind, sha256: opened.sha256, signedDate: claims.signedAt, leafNotAfter: leafNotAfter,
            bundleID: claims.claimedBundleID, environment: claims.claimedEnvironment, oddFields: claims.oddFields,
            payload: String(decoding: opened.payload, as: UTF8.self))
        facts[.payload] =
            claims.oddFields.isEmpty
            ? "a \(Claims.kind.rawValue)"
            : "a \(Claims.kind.rawValue); fields that can't be read: \(claims.oddFields.joined(separator: ", "))"
        facts[.validity] =
            leafNotAfter < now
            ? "the certificates were valid when it was signed; the leaf has expired since"
            : "the certificates were valid when it was signed"
        let conclusion: VerificationReport.Conclusion
        switch await conclude(claims, jws: jws, opened: opened, now: now) {
        case .verified(let verified):
            conclusion = .verified
            facts[.ocsp] =
                "leaf: \(verified.ocspChecked.leaf.rawValue), "
                + "intermediate: \(verified.ocspChecked.intermediate.rawValue)"
        case .invalid(let failure): conclusion = .invalid(failure)
        case .undetermined(let doubt, _): conclusion = .undetermined(doubt)
        }
        return VerificationReport(
            conclusion: conclusion, evidence: evidence, facts: facts, ocspIsOff: ocsp == nil)
    }

    private func facts(of opened: OpenedJWS) -> [VerificationStep: String] {
        let root = trustedRoots.roots.first { $0.certificate == opened.chain.root }
        guard let root else { return [:] }
        return [.chain: "ends in the trusted root \(TrustedRoots.fingerprint(of: root.der))"]
    }
}

extension VerificationReport {
    /// The steps are made in order and the first that doesn't pass is the conclusion, so the lines follow from it.
    fileprivate init(
        conclusion: Conclusion, evidence: Evidence?, facts: [VerificationStep: String], ocspIsOff: Bool = false
    ) {
        let last: (step: VerificationStep, result: Result, detail: String)?
        switch conclusion {
        case .verified: last = nil
        case .invalid(let failure): last = (failure.step, .failed, "\(failure.code.rawValue): \(failure.detail)")
        case .undetermined(let doubt): last = (doubt.step, .undetermined, "\(doubt.code.rawValue): \(doubt.detail)")
        }
        self.conclusion = conclusion
        self.evidence = evidence
        self.lines = VerificationStep.allCases.map { step in
            if let last, step == last.step { return Line(step: step, result: last.result, detail: last.detail) }
            if let last, step > last.step { return Line(step: step, result: .skipped, detail: "not reached") }
            if step == .ocsp, ocspIsOff { return Line(step: step, result: .skipped, detail: "OCSP is off") }
            return Line(step: step, result: .passed, detail: facts[step] ?? step.passing)
        }
    }
}

extension VerificationStep {
    /// What it means that the step passed.
    fileprivate var passing: String {
        switch self {
        case .structure: "three segments of strict base64url"
        case .header: "JSON without repeated names"
        case .algorithm: "ES256"
        case .certificates: "three certificates, the leaf's key on P-256"
        case .chain: "ends in a trusted root"
        case .appleOIDs: "1.2.840.113635.100.6.11.1 on the leaf, 1.2.840.113635.100.6.2.1 on the intermediate"
        case .signature: "64 bytes, by the leaf's key"
        case .payload: "readable"
        case .validity: "the certificates were valid when it was signed"
        case .clock: "not signed in our future"
        case .ocsp: "not revoked"
        }
    }
}
