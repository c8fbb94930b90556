import AppStoreClient
import Crypto
import Foundation
import Testing

@Suite("In-App Purchase key")
struct InAppPurchaseKeyTests {
    private static let good = P256.Signing.PrivateKey().pemRepresentation

    @Test("a P-256 key is read, also with Windows line ends and blank lines around it")
    func accepted() throws {
        _ = try InAppPurchaseKey(pem: Self.good)
        _ = try InAppPurchaseKey(pem: Self.good.replacing("\n", with: "\r\n"))
        _ = try InAppPurchaseKey(pem: "\n\n" + Self.good + "\n\n")
    }

    @Test("each kind of damage has its own sentence")
    func refused() {
        let body = Self.good.split(separator: "\n").dropFirst().dropLast()
        let cases: [(String, InAppPurchaseKeyError)] = [
            ("", .empty),
            (" \n\t\r\n ", .empty),
            (body.joined(separator: "\n"), .noPEMHeader),
            ("-----BEGIN PRIVATE KEY-----\n" + body.joined(separator: "\n"), .cut),
            (Self.good.replacing("\n", with: ""), .newlinesLost),
            (Self.good.replacing("\n", with: " "), .newlinesLost),
            (Self.good.replacing("\n", with: "\\n"), .newlinesLost),
            (P384.Signing.PrivateKey().pemRepresentation, .notP256("P-384")),
            (P521.Signing.PrivateKey().pemRepresentation, .notP256("P-521")),
            (Self.good.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY"), .encrypted),
            (Self.good.replacing("PRIVATE KEY", with: "RSA PRIVATE KEY"), .notP256("RSA")),
            (Self.good.replacing("PRIVATE KEY", with: "CERTIFICATE"), .notAPrivateKey),
            (P256.Signing.PrivateKey().publicKey.pemRepresentation, .notAPrivateKey),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", .damaged),
            ("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n", .damaged),
            (pkcs8(algorithm: [0x06, 0x03, 0x2B, 0x65, 0x70]), .notP256("Ed25519")),
            (
                pkcs8(algorithm: [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00]),
                .notP256("RSA")
            ),
        ]
        for (pem, expected) in cases {
            #expect(throws: expected, "\(expected)") { try InAppPurchaseKey(pem: pem) }
        }
    }

    @Test("neither a key nor an error shows the text of the key")
    func redaction() throws {
        let secret = try #require(Self.good.split(separator: "\n").dropFirst().first)
        let key = try InAppPurchaseKey(pem: Self.good)
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] { #expect(!text.contains(secret)) }
        do {
            _ = try InAppPurchaseKey(pem: Self.good.replacing("\n", with: " "))
            Issue.record("a key on one line must be refused")
        } catch {
            #expect(!String(reflecting: error).contains(secret) && !error.description.contains(secret))
            #expect(error.description.contains("newlines"))
        }
    }

    /// A PKCS#8 envelope around nothing, with the given algorithm.
    private func pkcs8(algorithm: [UInt8]) -> String {
        let inner: [UInt8] = [0x02, 0x01, 0x00, 0x30, UInt8(algorithm.count)] + algorithm + [0x04, 0x00]
        let der = [0x30, UInt8(inner.count)] + inner
        return "-----BEGIN PRIVATE KEY-----\n\(Data(der).base64EncodedString())\n-----END PRIVATE KEY-----\n"
    }
}
