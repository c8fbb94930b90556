import Crypto
import Foundation
package import PurchaseCore

/// A JWT to be signed: header and claims as JSON texts by name, so that a test can write anything into them.
package struct TestUserToken: Sendable {
    /// The issuer that the tokens of tests have.
    package static let issuer = "https://id.example.com/"
    /// The audience that they have.
    package static let audience = "vouch-tests"

    /// Beside `alg` and `kid`, which signing adds.
    package var header: [String: String] = ["typ": #""JWT""#]
    /// The claims.
    package var claims: [String: String]

    /// A token as the provider would give it out now, for ten minutes.
    package init(_ subject: String, now: Instant) {
        let seconds = now.millisecondsSince1970 / 1_000
        claims = [
            "iss": #""\#(Self.issuer)""#, "aud": #""\#(Self.audience)""#, "sub": #""\#(subject)""#,
            "iat": String(seconds), "exp": String(seconds + 600),
        ]
    }

    /// A copy with other claims; a `nil` takes one away.
    package func with(_ changes: [String: String?], header headerChanges: [String: String?] = [:]) -> Self {
        var copy = self
        for (name, value) in changes { copy.claims[name] = value }
        for (name, value) in headerChanges { copy.header[name] = value }
        return copy
    }

    /// The compact form, signed by a key as `algorithm`, by default the key's usual one.
    package func signed(by key: TestSigningKey, as algorithm: String? = nil) throws -> String {
        let algorithm = algorithm ?? key.algorithm
        let input = signingInput(algorithm: algorithm, keyID: key.id)
        return input + "." + TestBase64URL.text(try key.signature(over: Array(input.utf8), as: algorithm))
    }

    /// The compact form with a keyed digest in place of a signature, under the name of an algorithm.
    package func authenticated(with secret: [UInt8], as algorithm: String, keyID: String?) -> String {
        let input = signingInput(algorithm: algorithm, keyID: keyID)
        let code = HMAC<SHA256>.authenticationCode(for: Data(input.utf8), using: SymmetricKey(data: secret))
        return input + "." + TestBase64URL.text(Data(code))
    }

    /// The compact form without a signature.
    package func unsigned(algorithm: String, keyID: String?) -> String {
        signingInput(algorithm: algorithm, keyID: keyID) + "."
    }

    private func signingInput(algorithm: String, keyID: String?) -> String {
        var header = header
        header["alg"] = header["alg"] ?? #""\#(algorithm)""#
        if let keyID { header["kid"] = header["kid"] ?? #""\#(keyID)""# }
        return Self.segment(header) + "." + Self.segment(claims)
    }

    private static func segment(_ members: [String: String]) -> String {
        let text = members.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",")
        return TestBase64URL.text(Data("{\(text)}".utf8))
    }
}

/// JSON Web Key Sets.
package enum TestKeySet {
    /// A set of keys that are JSON texts already.
    package static func json(_ keys: [String]) -> [UInt8] {
        Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8)
    }

    /// The public sides of keys.
    package static func json(of keys: [TestSigningKey]) -> [UInt8] { json(keys.map { $0.jwk() }) }
}
