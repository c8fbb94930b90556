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

    static func readingNotification() throws -> () async throws -> Void {
        let body = Array(#"{"signedPayload":"\#(try notification(SimulatorKeys.inMemory()))"}"#.utf8)
        return {
            guard case .object(let object) = try JSONReader.value(of: body), case .string? = object["signedPayload"]
            else {
                throw BenchFailure("not read")
            }
        }
    }

    static func decoding() throws -> () async throws -> Void {
        let jws = try notification(SimulatorKeys.inMemory())
        return {
            // An envelope names no transaction of its own; it is read to its end to find that out.
            guard NamedTransaction(in: jws).id == nil else { throw BenchFailure("not an envelope") }
        }
    }

    static func splitting() throws -> () async throws -> Void {
        let jws = try notification(SimulatorKeys.inMemory())
        return {
            guard let split = SplitJWS(jws), split.rest.utf8.count > 5_000 else { throw BenchFailure("not cut") }
        }
    }
}
