import Crypto
import Foundation
import PurchaseCore

@testable import AppStoreJWS

/// Payloads as Apple writes them.
enum Payload {
    static func transaction(
        id: String = "2000000000000001", signedDate: Instant = Moment.signed, adding members: [String] = []
    ) -> String {
        let usual = [
            #""transactionId":"\#(id)""#, #""originalTransactionId":"2000000000000001""#,
            #""bundleId":"com.example.app""#, #""productId":"coins.100""#, #""type":"Consumable""#,
            #""purchaseDate":1780271990000"#, #""originalPurchaseDate":1780271990000"#, #""quantity":1"#,
            #""inAppOwnershipType":"PURCHASED""#, #""environment":"Sandbox""#,
            #""signedDate":\#(signedDate.millisecondsSince1970)"#,
        ]
        return "{" + (usual + members).joined(separator: ",") + "}"
    }

    static func notification(_ members: [String] = []) -> String {
        let usual = [
            #""notificationType":"REFUND""#, #""notificationUUID":"592751ef-c1b8-47fc-929e-d62dee66df4c""#,
            #""version":"2.0""#, #""signedDate":\#(Moment.signed.millisecondsSince1970)"#,
        ]
        return "{" + (usual + members).joined(separator: ",") + "}"
    }
}

/// Base64url without padding, written apart from the code under test.
func base64URL(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
        .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
}

extension MintedChain {
    /// The header that Apple writes, around other certificates if given.
    func header(alg: String = "ES256", x5c certificates: [[UInt8]]? = nil, extra: String = "") throws -> String {
        let list = try (certificates ?? x5c).map { "\"\(Data($0).base64EncodedString())\"" }.joined(separator: ",")
        return #"{"alg":"\#(alg)","x5c":[\#(list)]\#(extra)}"#
    }

    /// A compact JWS, signed by the leaf's key.
    func jws(_ payload: String = Payload.transaction(), header: String? = nil) throws -> String {
        let input = base64URL(try (header ?? self.header()).utf8) + "." + base64URL(payload.utf8)
        return try input + "." + base64URL(signature(over: input))
    }

    /// r and s.
    func signature(over input: String) throws -> [UInt8] {
        Array(try leafKey.signature(for: Data(input.utf8)).rawRepresentation)
    }

    /// A verifier that trusts this chain's root.
    func verifier(ocsp: OCSPChecker? = nil, cache: VerifiedChainCache = VerifiedChainCache()) throws -> JWSVerifier {
        JWSVerifier(trustedRoots: try roots, ocsp: ocsp, chainCache: cache)
    }
}

extension Verification {
    /// The code of an invalid one.
    var failure: VerificationFailureCode? {
        guard case .invalid(let failure) = self else { return nil }
        return failure.code
    }

    /// The code of an undetermined one.
    var doubt: VerificationDoubtCode? {
        guard case .undetermined(let doubt, _) = self else { return nil }
        return doubt.code
    }

    /// The claims of a verified one.
    var verified: Verified<Claims>? {
        guard case .verified(let verified) = self else { return nil }
        return verified
    }
}
