import AppStoreJWS
import PurchaseCore
import Testing

@Suite("Chains that are not Apple's")
struct ChainTests {
    private func failure(
        _ recipe: ChainRecipe, trusting trusted: ChainRecipe = ChainRecipe()
    ) async throws -> VerificationFailure? {
        let verifier = try MintedChain(trusted).verifier()
        guard
            case .invalid(let failure) = await verifier.verifyTransaction(
                try MintedChain(recipe).jws(), now: Moment.now)
        else { return nil }
        return failure
    }

    @Test("the minted chain is a good one, so that each defect below is the reason")
    func control() async throws {
        #expect(try await failure(ChainRecipe()) == nil)
    }

    struct Defect: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: VerificationFailureCode
        let change: @Sendable (inout ChainRecipe) -> Void

        init(
            _ description: String, _ code: VerificationFailureCode,
            _ change: @escaping @Sendable (inout ChainRecipe) -> Void
        ) {
            self.testDescription = description
            self.code = code
            self.change = change
        }
    }

    static let defects = [
        Defect("own root with Apple's names", .rootUntrusted) { $0.foreign = true },
        Defect("no marker on the leaf", .leafOIDMissing) { $0.leafOID = false },
        Defect("no marker on the intermediate", .intermediateOIDMissing) { $0.intermediateOID = false },
        Defect("no marker at all", .leafOIDMissing) { ($0.leafOID, $0.intermediateOID) = (false, false) },
        Defect("leaf expired before signing", .notValidWhenSigned) {
            $0.leafValidity = (Moment.leafBegins, Moment.signed - .seconds(1))
        },
        Defect("leaf not yet valid when signed", .notValidWhenSigned) {
            $0.leafValidity = (Moment.signed + .seconds(1), Moment.leafEnds)
        },
        Defect("intermediate expired before signing", .notValidWhenSigned) {
            $0.intermediateValidity = (Moment.authorityBegins, Moment.signed - .days(1))
        },
        Defect("leaf on P-384", .leafKeyNotP256) { $0.leafKey = .p384 },
        Defect("leaf is an authority", .chainPolicy) { $0.leafIsAuthority = true },
        Defect("leaf's key may not sign", .chainPolicy) { $0.leafMaySign = false },
        Defect("intermediate is no authority", .chainPolicy) { $0.intermediateIsAuthority = false },
        Defect("intermediate's key may not sign certificates", .chainPolicy) {
            $0.intermediateMaySignCertificates = false
        },
        Defect("unknown critical extension", .chainPolicy) { $0.leafUnknownCritical = true },
        Defect("leaf signed by a stranger", .certificateSignatureInvalid) { $0.leafSignedByStranger = true },
        Defect("leaf names another issuer", .issuerMismatch) { $0.leafIssuerName = "Somebody else" },
        Defect("other names than the trusted root's", .rootUntrusted) { $0.appleNames = false },
    ]

    @Test("one defect in the chain", arguments: defects)
    func oneDefect(defect: Defect) async throws {
        var recipe = ChainRecipe()
        defect.change(&recipe)
        let failure = try #require(try await failure(recipe))
        #expect(failure.code == defect.code)
        let expected: VerificationRefusal = defect.code == .leafKeyNotP256 ? .signatureInvalid : .chainUntrusted
        #expect(failure.refusal == expected)
    }

    @Test("the same defects are found when the chain's own root is the trusted one", arguments: defects)
    func oneDefectUnderItsOwnRoot(defect: Defect) async throws {
        var recipe = ChainRecipe()
        defect.change(&recipe)
        let failure = try await failure(recipe, trusting: recipe)
        // Another root, trusted, is no defect.
        #expect(failure?.code == (defect.code == .rootUntrusted ? nil : defect.code))
    }

    @Test("one, two and four certificates", arguments: [1, 2, 4])
    func certificateCount(count: Int) async throws {
        let chain = try MintedChain()
        let certificates = Array((try chain.x5c + [try der(chain.root)]).prefix(count))
        let jws = try chain.jws(header: chain.header(x5c: certificates))
        let result = try await chain.verifier().verifyTransaction(jws, now: Moment.now)
        #expect(result.failure == .certificateCount)
    }

    @Test("the leaf of another payload's chain doesn't vouch for this one")
    func swappedLeaf() async throws {
        let chain = try MintedChain()
        let other = try MintedChain(ChainRecipe(foreign: true))
        // The genuine authorities, and a leaf of the attacker's.
        let foreignLeaf = [try der(other.leaf), try der(chain.intermediate), try der(chain.root)]
        let signed = try other.jws(header: chain.header(x5c: foreignLeaf))
        #expect(
            try await chain.verifier().verifyTransaction(signed, now: Moment.now).failure
                == .certificateSignatureInvalid)
        // The genuine chain, and a signature by the attacker's leaf.
        let borrowed = try other.jws(header: chain.header())
        #expect(try await chain.verifier().verifyTransaction(borrowed, now: Moment.now).failure == .signatureMismatch)
    }

    @Test("the third certificate is compared, not trusted")
    func thirdCertificate() async throws {
        let chain = try MintedChain()
        let other = try MintedChain(ChainRecipe(foreign: true))
        // A foreign chain that ends in the genuine root's bytes.
        let decorated = [try der(other.leaf), try der(other.intermediate), try der(chain.root)]
        let jws = try other.jws(header: chain.header(x5c: decorated))
        #expect(
            try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure == .certificateSignatureInvalid)
        // The genuine chain that shows another root than the one that closes it.
        let masked = [try der(chain.leaf), try der(chain.intermediate), try der(other.root)]
        let second = try chain.jws(header: chain.header(x5c: masked))
        #expect(try await chain.verifier().verifyTransaction(second, now: Moment.now).failure == .rootUntrusted)
    }

    @Test("certificates in another order are refused", arguments: [[1, 0, 2], [2, 1, 0], [0, 0, 2], [0, 2, 2]])
    func order(positions: [Int]) async throws {
        let chain = try MintedChain()
        let certificates = try chain.x5c
        let jws = try chain.jws(header: chain.header(x5c: positions.map { certificates[$0] }))
        #expect(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure != nil)
    }

    @Test("a certificate has one spelling: its signature has no unused bits", arguments: 0..<3)
    func unusedBits(position: Int) async throws {
        let chain = try MintedChain()
        var certificates = try chain.x5c
        // The signature is the last element: tag, length, number of unused bits, and 103 to 105 bytes of DER.
        let count = try #require(
            (100...108).first { count in
                let start = certificates[position].count - count
                return Array(certificates[position][(start - 3)..<start]) == [0x03, UInt8(count + 1), 0]
            })
        certificates[position][certificates[position].count - count - 1] = 1
        certificates[position][certificates[position].count - 1] &= 0xFE
        let jws = try chain.jws(header: chain.header(x5c: certificates))
        #expect(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure == .certificateMalformed)
    }

    @Test("bytes after a certificate's end are refused")
    func trailingBytes() async throws {
        let chain = try MintedChain()
        var certificates = try chain.x5c
        certificates[0].append(0)
        let jws = try chain.jws(header: chain.header(x5c: certificates))
        #expect(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure == .certificateMalformed)
    }
}

@Suite("Dates")
struct DateTests {
    @Test("a leaf is valid from its first to the end of its last second")
    func edges() async throws {
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let first = Moment.leafBegins
        let last = Moment.leafEnds + Span(milliseconds: 999)
        for instant in [first, last] {
            let jws = try chain.jws(Payload.transaction(signedDate: instant))
            #expect(await verifier.verifyTransaction(jws, now: last).verified != nil)
        }
        for instant in [first - Span(milliseconds: 1), last + Span(milliseconds: 1)] {
            let jws = try chain.jws(Payload.transaction(signedDate: instant))
            #expect(await verifier.verifyTransaction(jws, now: last).failure == .notValidWhenSigned)
        }
    }

    @Test("evidence that was signed in time stays valid after its leaf has expired")
    func expiredSince() async throws {
        let chain = try MintedChain()
        let verified = try #require(
            try await chain.verifier().verifyTransaction(try chain.jws(), now: Moment.leafEnds + .days(400)).verified)
        #expect(verified.leafNotAfter == Moment.leafEnds)
    }

    @Test("five minutes ahead of us is tolerated, more is undetermined with the claims at hand")
    func future() async throws {
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let jws = try chain.jws()
        let tolerated = await verifier.verifyTransaction(jws, now: Moment.signed - .minutes(5))
        #expect(tolerated.verified != nil)
        let early = await verifier.verifyTransaction(jws, now: Moment.signed - .minutes(5) - Span(milliseconds: 1))
        guard case .undetermined(let doubt, let unconfirmed) = early else {
            Issue.record("not undetermined: \(early)")
            return
        }
        #expect(doubt.code == .signedInFuture)
        #expect(doubt.step == .clock)
        #expect(unconfirmed.claims.transactionID == TransactionID("2000000000000001"))
        #expect(unconfirmed.jws == jws)
        #expect(unconfirmed.signedDate == Moment.signed)
    }

    @Test("a forged signature is invalid, whatever date it claims")
    func forgedFuture() async throws {
        let chain = try MintedChain()
        let other = try MintedChain(ChainRecipe(foreign: true))
        let payload = Payload.transaction(signedDate: Moment.signed + .days(30))
        let jws = try other.jws(payload, header: chain.header())
        #expect(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure == .signatureMismatch)
    }

    @Test(
        "evidence without a signedDate is malformed",
        arguments: [
            "", #","signedDate":null"#, #","signedDate":"soon""#,
            #","signedDate":1e300"#,
        ])
    func noDate(member: String) async throws {
        let chain = try MintedChain()
        let jws = try chain.jws(#"{"transactionId":"1"\#(member)}"#)
        let failure = try #require(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure)
        #expect(failure.refusal == .malformedEvidence)
    }
}
