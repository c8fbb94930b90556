import AppStoreJWS
import Foundation
import PurchaseCore
import Testing

@Suite("A verification told step by step")
struct ReportTests {
    @Test("Apple's transaction passes every step; OCSP is skipped when it is off")
    func passed() async throws {
        let report = await JWSVerifier(ocsp: nil).report(on: try Fixture.transaction(), now: Moment.later)
        #expect(report.conclusion == .verified)
        #expect(report.lines.map(\.step) == VerificationStep.allCases)
        #expect(report.lines.dropLast().allSatisfy { $0.result == .passed })
        #expect(report.lines.last?.result == .skipped)
        let evidence = try #require(report.evidence)
        #expect(evidence.kind == .transaction)
        #expect(evidence.bundleID == BundleID("com.goodheartapp"))
        #expect(evidence.environment == "Sandbox")
        #expect(evidence.payload.hasPrefix(#"{"transactionId":"2000000847061981""#))
        let chain = try #require(report.lines.first { $0.step == .chain })
        #expect(chain.detail.contains("63:34:3A:BF"))
        let validity = try #require(report.lines.first { $0.step == .validity })
        #expect(validity.detail.contains("expired since"))
    }

    @Test("the kind is recognised, and can be insisted on")
    func kinds() async throws {
        let verifier = JWSVerifier(ocsp: nil)
        let jws = try Fixture.notification()
        #expect(await verifier.report(on: jws, now: Moment.later).evidence?.kind == .notification)
        let insisted = await verifier.report(on: jws, as: .transaction, now: Moment.later)
        guard case .invalid(let failure) = insisted.conclusion else {
            Issue.record("a notification passes as a transaction")
            return
        }
        #expect(failure.code == .payloadKind)
        let chain = try MintedChain()
        for (kind, payload) in [
            (
                SignedPayloadKind.renewalInfo,
                #"{"originalTransactionId":"1","autoRenewStatus":1,"signedDate":1780272000000}"#
            ),
            (.appTransaction, #"{"receiptType":"Sandbox","receiptCreationDate":1780272000000}"#),
        ] {
            let report = try await chain.verifier().report(on: chain.jws(payload), now: Moment.now)
            #expect(report.conclusion == .verified)
            #expect(report.evidence?.kind == kind)
        }
        let stranger = try await chain.verifier().report(on: chain.jws("{}"), now: Moment.now)
        #expect(stranger.lines.first { $0.step == .payload }?.result == .failed)
    }

    @Test("the first step that fails is named, those before it passed, those after it were not reached")
    func failed() async throws {
        let report = await JWSVerifier(ocsp: nil).report(on: try Fixture.tampered(), now: Moment.later)
        for line in report.lines {
            switch line.step {
            case .structure, .header, .algorithm, .certificates, .chain, .appleOIDs: #expect(line.result == .passed)
            case .signature: #expect(line.result == .failed)
            case .payload, .validity, .clock, .ocsp: #expect(line.result == .skipped)
            }
        }
        #expect(report.evidence == nil)
    }

    @Test("a doubt is neither")
    func undetermined() async throws {
        let chain = try MintedChain()
        let report = try await chain.verifier().report(on: try chain.jws(), now: Moment.signed - .hours(1))
        guard case .undetermined(let doubt) = report.conclusion else {
            Issue.record("not undetermined")
            return
        }
        #expect(doubt.code == .signedInFuture)
        #expect(report.lines.first { $0.step == .clock }?.result == .undetermined)
        #expect(report.evidence != nil)
    }

    @Test("with OCSP on, its line says what was learnt")
    func ocsp() async throws {
        let chain = try MintedChain(ChainRecipe(leafOCSP: nil))
        let report = try await chain.verifier(ocsp: FakeResponder(chain).checker()).report(
            on: try chain.jws(), now: Moment.now)
        #expect(report.lines.last?.result == .passed)
        #expect(report.lines.last?.detail == "leaf: no_uri, intermediate: good")
    }

    @Test("fields that can't be read are named")
    func odd() async throws {
        let chain = try MintedChain()
        let jws = try chain.jws(Payload.transaction(adding: [#""price":"free""#]))
        let report = try await chain.verifier().report(on: jws, now: Moment.now)
        #expect(report.conclusion == .verified)
        #expect(report.lines.first { $0.step == .payload }?.detail.contains("price") == true)
    }

    @Test("every code has a step, a refusal, and a name of its own")
    func codes() {
        #expect(Set(VerificationFailureCode.allCases.map(\.rawValue)).count == VerificationFailureCode.allCases.count)
        for code in VerificationFailureCode.allCases.map(\.rawValue) + VerificationDoubtCode.allCases.map(\.rawValue) {
            #expect(code.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" })
        }
        #expect(Set(VerificationFailureCode.allCases.map(\.step)).union([.clock]) == Set(VerificationStep.allCases))
        #expect(VerificationStep.allCases == VerificationStep.allCases.sorted())
        #expect(Set(VerificationFailureCode.allCases.map(\.refusal)) == Set(VerificationRefusal.allCases))
    }

    @Test("docs/verification.md lists the steps, and each code with its step and refusal, in order")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(contentsOf: root.appending(path: "docs/verification.md"), encoding: .utf8)
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { $0.trimming { $0 == " " || $0 == "`" } }
        }
        let steps = VerificationStep.allCases.map(\.rawValue)
        #expect(rows.filter { $0.count == 2 }.map { $0[0] } == steps)
        let codes = rows.filter { $0.count == 4 }
        let failures = VerificationFailureCode.allCases
        #expect(
            Set(codes.map { $0.prefix(3).joined(separator: " ") })
                == Set(
                    failures.map { "\($0.rawValue) \($0.step.rawValue) \($0.refusal.rawValue)" }
                        + codes.filter { VerificationDoubtCode(rawValue: $0[0]) != nil }
                        .map { $0.prefix(3).joined(separator: " ") }))
        let doubts = codes.compactMap { row in VerificationDoubtCode(rawValue: row[0]).map { ($0, row[1]) } }
        #expect(Set(doubts.map(\.0)) == Set(VerificationDoubtCode.allCases))
        #expect(doubts.allSatisfy { $0.0.step.rawValue == $0.1 })
        #expect(codes.count == failures.count + doubts.count)
    }

    @Test("no message repeats what a stranger wrote")
    func details() async throws {
        let chain = try MintedChain()
        let secret = "S3CRET"
        let verifier = try chain.verifier()
        let texts = [
            secret, "\(secret).\(secret).\(secret)", try chain.jws(header: chain.header(alg: secret)),
            try chain.jws(header: #"{"alg":"ES256","x5c":["\#(secret)","",""]}"#), try chain.jws(header: secret),
            try chain.jws(#"{"transactionId":"\#(secret)","signedDate":1}"#),
            try chain.jws(#"{"\#(secret)":1,"\#(secret)":2}"#),
            try MintedChain(ChainRecipe(leafIssuerName: secret)).jws(),
        ]
        for text in texts {
            guard case .invalid(let failure) = await verifier.verifyTransaction(text, now: Moment.now) else {
                Issue.record("accepted")
                return
            }
            #expect(!failure.description.contains(secret))
            #expect(!failure.detail.isEmpty)
        }
    }
}

@Suite("Trusted roots")
struct TrustedRootsTests {
    @Test("a file may be DER, or PEM with several certificates")
    func files() throws {
        let g3 = try Fixture.bytes("AppleRootCA-G3.cer")
        let g2 = try Fixture.bytes("AppleRootCA-G2.cer")
        #expect(try TrustedRoots(file: g3).fingerprints.count == 1)
        let both = try TrustedRoots(file: Array((pem(g3) + "\n" + pem(g2)).utf8))
        #expect(both.fingerprints == [TrustedRoots.fingerprint(of: g3), TrustedRoots.fingerprint(of: g2)])
        #expect(!both.isBuiltIn)
        #expect(try TrustedRoots(file: Array((pem(g3) + pem(g3)).utf8)).isBuiltIn)
    }

    @Test("what isn't a root is refused, and says why")
    func refused() throws {
        let chain = try MintedChain()
        #expect(throws: TrustedRootsError.empty) { try TrustedRoots(certificates: []) }
        #expect(throws: TrustedRootsError.empty) { try TrustedRoots(file: []) }
        #expect(throws: TrustedRootsError.notCertificates) { try TrustedRoots(file: [0xFF, 0xFE]) }
        #expect(throws: TrustedRootsError.notCertificates) {
            try TrustedRoots(file: Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8))
        }
        #expect(throws: TrustedRootsError.unreadable(1)) { try TrustedRoots(file: [0x30, 0x82, 0x00]) }
        #expect(throws: TrustedRootsError.notAuthority(2)) {
            try TrustedRoots(certificates: [der(chain.root), der(chain.leaf)])
        }
        #expect(throws: TrustedRootsError.notSelfSigned(1)) {
            try TrustedRoots(certificates: [der(chain.intermediate)])
        }
        #expect(throws: TrustedRootsError.tooMany(17)) {
            try TrustedRoots(certificates: [[UInt8]](repeating: der(chain.root), count: 17))
        }
    }

    private func pem(_ der: [UInt8]) -> String {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
    }
}

extension StringProtocol {
    /// The text without characters of a kind at both ends.
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> String {
        String(drop(while: isTrimmed).reversed().drop(while: isTrimmed).reversed())
    }
}
