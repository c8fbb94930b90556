import AppStoreSimulator
import Crypto
import Foundation

/// Bearer tokens as a caller of the API makes them, right or with something changed.
struct BearerTokens {
    var key: P256.Signing.PrivateKey
    var header: [String: Any] = ["alg": "ES256", "kid": "SIMULATOR1", "typ": "JWT"]
    var claims: [String: Any]

    init(_ simulator: AppStoreSimulator, nowSeconds: Int64 = Int64(Date().timeIntervalSince1970)) {
        key = simulator.keys.inAppPurchaseKey
        claims = [
            "iss": SimulatorKeys.issuerID, "iat": nowSeconds, "exp": nowSeconds + 300, "aud": "appstoreconnect-v1",
            "bid": simulator.configuration.bundleID,
        ]
    }

    /// The `Authorization` header.
    func authorization() throws -> String {
        let signed = try Self.segment(header) + "." + Self.segment(claims)
        let signature = try key.signature(for: Data(signed.utf8))
        return "Bearer " + signed + "." + Self.text(signature.rawRepresentation)
    }

    private static func segment(_ object: [String: Any]) throws -> String {
        text(try JSONSerialization.data(withJSONObject: object))
    }

    private static func text(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
