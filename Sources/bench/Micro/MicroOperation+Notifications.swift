import AppStoreJWS
import AppStoreSimulator
import PurchaseAPI
import PurchaseCore
import PurchaseStore

extension MicroOperation {
    /// A notification about a new purchase, as Apple would sign it.
    private static func notification(_ keys: SimulatorKeys) throws -> String {
        try JWSMint(keys: keys).notification(
            about: Workshop.transactionID(1), uuid: "6f2a1d4e-7c1b-4b6f-9e57-0d3c4a5b6c7d")
    }

    static func notification(isCached: Bool) throws -> () async throws -> Void {
        let keys = try SimulatorKeys.inMemory()
        let jws = try notification(keys)
        let roots = try TrustedRoots(certificates: [try keys.rootDER()])
        let known = JWSVerifier(trustedRoots: roots, ocsp: nil)
        let now = Instant(millisecondsSince1970: Payload.now)
        return {
            let verifier = isCached ? known : JWSVerifier(trustedRoots: roots, ocsp: nil)
            guard case .verified(let notification) = await verifier.verifyNotification(jws, now: now),
                let inner = notification.claims.data?.signedTransactionInfo,
                case .verified = await verifier.verifyTransaction(inner, now: now)
            else { throw BenchFailure("not verified") }
        }
    }

    /// A notification's envelope as long as Apple's and the same in every run: nothing in it is signed.
    private static let unsigned: String = {
        let header = Base64.url([UInt8](repeating: 0x5A, count: 3_300))
        let inner = "\(header).\(Base64.url(Array(Payload.transaction("1", at: 1_790_000_000_000).utf8))).c2ln"
        let payload = Payload.notification(uuid: "1", signedTransactionInfo: inner, at: 1_790_000_000_000)
        return "\(header).\(Base64.url(Array(payload.utf8))).c2ln"
    }()

    static func readingNotification() -> () async throws -> Void {
        let body = Array(#"{"signedPayload":"\#(unsigned)"}"#.utf8)
        return {
            guard case .object(let object) = try JSONReader.value(of: body), case .string? = object["signedPayload"]
            else {
                throw BenchFailure("not read")
            }
        }
    }

    static func decoding() -> () async throws -> Void {
        let jws = unsigned
        return {
            // An envelope names no transaction of its own; it is read to its end to find that out.
            guard NamedTransaction(in: jws).id == nil else { throw BenchFailure("not an envelope") }
        }
    }

    static func splitting() -> () async throws -> Void {
        let jws = unsigned
        return {
            guard let split = SplitJWS(jws), split.rest.utf8.count > 5_000 else { throw BenchFailure("not cut") }
        }
    }
}
