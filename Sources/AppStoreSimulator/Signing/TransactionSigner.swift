import Crypto
import FoundationEssentials
import Synchronization
import X509

/// Signs payloads with a chain of the simulator's root, or forges them.
final class TransactionSigner: Sendable {
    private struct Material: Sendable {
        var chain: SimulatedSigningChain
        /// Chains with a defect, made when they are first asked for: each takes several P-384 operations.
        var forged: [SimulatedForgery: SimulatedSigningChain] = [:]
    }

    private let keys: SimulatorKeys
    private let clock: SimulatorClock
    private let material: Mutex<Material>

    init(keys: SimulatorKeys, clock: SimulatorClock) throws(SimulatorError) {
        self.keys = keys
        self.clock = clock
        do {
            let chain = try keys.authority.issueChain(now: Date(milliseconds: clock.nowMilliseconds))
            self.material = Mutex(Material(chain: chain))
        } catch {
            throw .material("the signing chain can't be made: \(error)")
        }
    }

    /// The chain that good answers are signed with.
    var chain: SimulatedSigningChain { material.withLock { $0.chain } }

    /// Issues a new intermediate and leaf under the same root, as Apple does every other year.
    func rotate() throws(SimulatorError) {
        do {
            let chain = try keys.authority.issueChain(now: Date(milliseconds: clock.nowMilliseconds))
            material.withLock { $0 = Material(chain: chain) }
        } catch {
            throw .material("the signing chain can't be made: \(error)")
        }
    }

    /// A JWS over the payload in Apple's form, or forged.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    func sign(_ payload: SimulatorJSONObject, forgery: SimulatedForgery? = nil) throws(SimulatorError) -> String {
        do {
            guard let forgery else {
                let chain = chain
                return try Self.sign(payload, header: chain.headerSegment, key: chain.leafKey)
            }
            return try forge(payload, as: forgery)
        } catch let error as SimulatorError {
            throw error
        } catch {
            throw .material("the payload can't be signed: \(error)")
        }
    }

    /// A JWS over the payload under a chain that may not be the present one any more.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    static func sign(
        _ payload: SimulatorJSONObject, with chain: SimulatedSigningChain
    ) throws(SimulatorError) -> String {
        do {
            return try sign(payload, header: chain.headerSegment, key: chain.leafKey)
        } catch {
            throw .material("the payload can't be signed: \(error)")
        }
    }

    private static func sign(
        _ payload: SimulatorJSONObject, header: String, key: SimulatedSigningKey, asDER: Bool = false
    ) throws -> String {
        let signed = header + "." + Base64.url(payload.bytes)
        return signed + "." + Base64.url(try key.signature(over: Array(signed.utf8), asDER: asDER))
    }

    private func forge(_ payload: SimulatorJSONObject, as forgery: SimulatedForgery) throws -> String {
        let good = chain
        let signed = good.headerSegment + "." + Base64.url(payload.bytes)
        switch forgery {
        case .signature:
            var random = SystemRandomNumberGenerator()
            return signed + "." + Base64.url((0..<64).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .payload:
            let signature = try good.leafKey.signature(over: Array(signed.utf8))
            var changed = payload
            changed["price"] = .integer((payload["price"]?.integerValue ?? 0) + 1000)
            for name in payload.names where name.hasPrefix("revocation") { changed[name] = nil }
            return good.headerSegment + "." + Base64.url(changed.bytes) + "." + Base64.url(signature)
        case .algNone:
            let header = SimulatedSigningChain.headerSegment(algorithm: "none", x5c: good.x5c)
            return header + "." + Base64.url(payload.bytes) + "."
        case .algHS256:
            let header = SimulatedSigningChain.headerSegment(algorithm: "HS256", x5c: good.x5c)
            let signed = header + "." + Base64.url(payload.bytes)
            let key = SymmetricKey(data: good.leafKey.publicKeyDER)
            return signed + "."
                + Base64.url(Array(HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)))
        case .algRS256:
            let header = SimulatedSigningChain.headerSegment(algorithm: "RS256", x5c: good.x5c)
            return try Self.sign(payload, header: header, key: good.leafKey)
        case .derSignature:
            return try Self.sign(payload, header: good.headerSegment, key: good.leafKey, asDER: true)
        case .foreignRoot, .missingLeafOID, .missingIntermediateOID, .chain1, .chain2, .chain4, .expiredLeaf,
            .swappedLeaf, .p384Leaf:
            let chain = try forgedChain(forgery)
            return try Self.sign(payload, header: chain.headerSegment, key: chain.leafKey)
        }
    }

    private func forgedChain(_ forgery: SimulatedForgery) throws -> SimulatedSigningChain {
        if let chain = material.withLock({ $0.forged[forgery] }) { return chain }
        let chain = try makeForgedChain(forgery)
        material.withLock { $0.forged[forgery] = chain }
        return chain
    }

    private func makeForgedChain(_ forgery: SimulatedForgery) throws -> SimulatedSigningChain {
        let now = Date(milliseconds: clock.nowMilliseconds)
        let good = chain
        var options = SimulatedCertificateAuthority.ChainOptions()
        switch forgery {
        case .foreignRoot:
            return try SimulatedCertificateAuthority(names: .apples(), now: now).issueChain(now: now)
        case .missingLeafOID:
            options.hasLeafMarker = false
        case .missingIntermediateOID:
            options.hasIntermediateMarker = false
        case .chain1:
            return try SimulatedSigningChain(certificates: Array(good.certificates.prefix(1)), leafKey: good.leafKey)
        case .chain2:
            return try SimulatedSigningChain(certificates: Array(good.certificates.prefix(2)), leafKey: good.leafKey)
        case .chain4:
            options.intermediatesCount = 2
        case .expiredLeaf:
            options.leafValidity = (-365 * Milliseconds.day)...(-1 * Milliseconds.day)
        case .swappedLeaf:
            let forgers = try SimulatedCertificateAuthority(names: .simulated(), now: now).issueChain(now: now)
            return try SimulatedSigningChain(
                certificates: Array(forgers.certificates.prefix(1)) + good.certificates.dropFirst(),
                leafKey: forgers.leafKey)
        case .p384Leaf:
            options.leafIsP384 = true
        case .signature, .payload, .algNone, .algHS256, .algRS256, .derSignature:
            return good
        }
        return try keys.authority.issueChain(options, now: now)
    }
}
