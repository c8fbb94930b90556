import Crypto
package import PurchaseCore

/// Verifies JWS that Apple signed for the App Store.
///
/// The result depends on the text, the trusted roots and `now` alone, revocation aside: no clock is read, no
/// network touched except through the ``OCSPChecker`` that it was given. Safe to share and to call concurrently; any
/// input ends in an outcome. It doesn't compare the app or the environment with a configuration: that is the
/// caller's decision, with the claims in hand.
package struct JWSVerifier: Sendable {
    /// How far a signedDate may lie after our now before the clock is in doubt.
    package static let clockTolerance = Span.minutes(5)

    /// The roots that a chain must end in.
    package let trustedRoots: TrustedRoots
    let ocsp: OCSPChecker?
    let chainCache: VerifiedChainCache
    private let observe: @Sendable (VerificationSummary) -> Void

    /// - Parameters:
    ///   - trustedRoots: Apple's, unless the stores are simulated.
    ///   - ocsp: Asks about revocation; `nil` switches OCSP off.
    ///   - chainCache: May be shared by verifiers, also by those with other roots.
    ///   - observe: Hears how each verification ended, reports aside; must return at once.
    package init(
        trustedRoots: TrustedRoots = .appleRootCAG3, ocsp: OCSPChecker?,
        chainCache: VerifiedChainCache = VerifiedChainCache(),
        observe: @escaping @Sendable (VerificationSummary) -> Void = { _ in }
    ) {
        self.trustedRoots = trustedRoots
        self.ocsp = ocsp
        self.chainCache = chainCache
        self.observe = observe
    }

    /// Verifies a transaction: `signedTransactionInfo`, or what StoreKit 2 gave a device.
    package func verifyTransaction(_ jws: String, now: Instant) async -> Verification<JWSTransactionDecodedPayload> {
        await verify(jws, now: now)
    }

    /// Verifies a `signedRenewalInfo`.
    package func verifyRenewalInfo(_ jws: String, now: Instant) async -> Verification<JWSRenewalInfoDecodedPayload> {
        await verify(jws, now: now)
    }

    /// Verifies a notification's `signedPayload`: the envelope alone, not the JWS inside.
    package func verifyNotification(_ jws: String, now: Instant) async -> Verification<ResponseBodyV2DecodedPayload> {
        await verify(jws, now: now)
    }

    /// Verifies a `signedAppTransactionInfo`.
    package func verifyAppTransaction(_ jws: String, now: Instant) async -> Verification<AppTransaction> {
        await verify(jws, now: now)
    }

    private func verify<Claims: ReadablePayload>(_ jws: String, now: Instant) async -> Verification<Claims> {
        let verification: Verification<Claims> = await judge(jws, now: now)
        observe(VerificationSummary(verification))
        return verification
    }

    private func judge<Claims: ReadablePayload>(_ jws: String, now: Instant) async -> Verification<Claims> {
        do {
            let opened = try await open(jws, now: now)
            let payload = try Self.parse(opened.payload)
            return await conclude(try Self.read(payload, of: opened), jws: jws, opened: opened, now: now)
        } catch {
            return .invalid(error)
        }
    }
}

/// A payload whose bytes the leaf of a verified chain has signed; its dates haven't been looked at.
struct OpenedJWS: Sendable {
    let chain: VerifiedChain
    let payload: [UInt8]
    let sha256: [UInt8]
}

extension JWSVerifier {
    /// Steps `structure` to `signature`: after this the payload's bytes are known to be the leaf key's.
    func open(_ jws: String, now: Instant) async throws(VerificationFailure) -> OpenedJWS {
        let compact = try CompactJWS(jws)
        let roots = trustedRoots.identity
        if let found = chainCache.find(compact.headerSegment, roots: roots, now: now) {
            return try Self.checkSignature(of: compact, by: found)
        }
        let key = VerifiedChainCache.Key(roots: roots, header: Array(compact.headerSegment))
        switch await chainCache.flights.board(key) {
        case .lead:
            // Whoever led before may have put it into the cache since we looked.
            let known = chainCache.find(compact.headerSegment, roots: roots, now: now)
            let result =
                if let known { Result<VerifiedChain, VerificationFailure>.success(known.chain) } else {
                    await buildChain(compact)
                }
            chainCache.flights.land(key, result)
            defer { chainCache.flights.close(key) }
            return try admit(compact, key: key, chain: result.get(), now: now)
        case .joined(.some(let result)):
            return try admit(compact, key: key, chain: result.get(), now: now)
        case .joined(.none), .cancelled:
            // A leader always has a result; a cancelled task does its own work, which takes a millisecond.
            return try admit(compact, key: key, chain: await buildChain(compact).get(), now: now)
        }
    }

    private func buildChain(_ compact: CompactJWS) async -> Result<VerifiedChain, VerificationFailure> {
        chainCache.countBuild()
        do throws(VerificationFailure) {
            let header = try JOSEHeader(segment: compact.headerSegment)
            return .success(try await VerifiedChain.verifying(header.certificates, roots: trustedRoots))
        } catch {
            return .failure(error)
        }
    }

    private func admit(
        _ compact: CompactJWS, key: VerifiedChainCache.Key, chain: VerifiedChain, now: Instant
    ) throws(VerificationFailure) -> OpenedJWS {
        var hash = SHA256()
        hash.update(compact.headerSegment)
        let found = VerifiedChainCache.Found(chain: chain, hashedHeader: hash)
        let opened = try Self.checkSignature(of: compact, by: found)
        chainCache.admit(found, for: key, now: now)
        return opened
    }

    private static func checkSignature(
        of compact: CompactJWS, by found: VerifiedChainCache.Found
    ) throws(VerificationFailure) -> OpenedJWS {
        guard compact.signature.count == CompactJWS.signatureBytes,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: compact.signature)
        else {
            throw VerificationFailure(
                .signatureNotRaw,
                "a signature of \(compact.signature.count) bytes; ES256 has 64, r and s, and no DER around them")
        }
        // Each byte is hashed once: what is signed begins with the header, and the whole text with what is signed.
        var hash = found.hashedHeader
        hash.update(compact.signingInput[compact.headerSegment.endIndex...])
        guard found.chain.leafKey.isValidSignature(signature, for: hash.finalize()) else {
            throw VerificationFailure(
                .signatureMismatch, "the signature is not the leaf's over this header and payload")
        }
        hash.update(compact.bytes[compact.signingInput.endIndex...])
        return OpenedJWS(chain: found.chain, payload: compact.payload, sha256: Array(hash.finalize()))
    }

    /// The first half of the step `payload`: JSON, strictly.
    ///
    /// Apple signs no repeated names; if one ever came, two readers could see two prices, so it is refused although it
    /// is signed.
    static func parse(_ payload: [UInt8]) throws(VerificationFailure) -> JSONObject {
        do throws(JSONFault) {
            return try JSONParser.object(payload, limits: .payload)
        } catch {
            throw VerificationFailure(
                error == .duplicateName ? .payloadDuplicateName : .payloadMalformed, "the payload \(error.explanation)")
        }
    }

    /// The second half of the step `payload`: the fields, leniently.
    static func read<Claims: ReadablePayload>(
        _ payload: JSONObject, of opened: OpenedJWS, as type: Claims.Type = Claims.self
    ) throws(VerificationFailure) -> Claims {
        guard SignedPayloadKind.of(payload) == Claims.kind else {
            throw VerificationFailure(.payloadKind, "signed, but not a \(Claims.kind.rawValue)")
        }
        var fields = FieldReader(payload, source: opened.payload)
        return try Claims(reading: &fields)
    }

    /// Steps `validity` to `ocsp`.
    func conclude<Claims: ReadablePayload>(
        _ claims: Claims, jws: String, opened: OpenedJWS, now: Instant
    ) async -> Verification<Claims> {
        do throws(VerificationFailure) {
            try opened.chain.checkValidity(at: claims.signedAt)
        } catch {
            return .invalid(error)
        }
        let leafNotAfter = opened.chain.leafValidity.notAfter
        let unconfirmed = Unconfirmed(
            claims: claims, jws: jws, sha256: opened.sha256, signedDate: claims.signedAt, leafNotAfter: leafNotAfter)
        guard claims.signedAt <= now + Self.clockTolerance else {
            let ahead = (claims.signedAt - now).milliseconds / 1_000
            return .undetermined(
                VerificationDoubt(.signedInFuture, "signed \(ahead) s after our now: one of two clocks is wrong"),
                unconfirmed)
        }
        switch await ocsp?.check(opened.chain, now: now) ?? .passed(.off) {
        case .passed(let coverage):
            return .verified(
                Verified(
                    assumingVerified: claims, jws: jws, sha256: opened.sha256, signedDate: claims.signedAt,
                    leafNotAfter: leafNotAfter, ocspChecked: coverage))
        case .revoked(let failure):
            return .invalid(failure)
        case .open(let doubt):
            return .undetermined(doubt, unconfirmed)
        }
    }
}

extension SHA256 {
    /// Takes in bytes that lie side by side.
    fileprivate mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update(bufferPointer: $0) }
    }
}
