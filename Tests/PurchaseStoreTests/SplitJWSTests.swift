import Crypto
import Foundation
import Testing

@testable import PurchaseStore

@Suite("A JWS cut behind its header")
struct SplitJWSTests {
    @Test("both parts and the digest are those of the text, whichever header came before")
    func parts() throws {
        let headers = ["a", "b", String(repeating: "h", count: 4_400), String(repeating: "h", count: 4_399) + "i", ""]
        for header in headers + headers.reversed() + ["a", "a"] {
            let rest = "payload.signature-\(header.count)"
            let split = try #require(SplitJWS("\(header).\(rest)"))
            #expect(split.header == header && split.rest == rest)
            #expect(split.headerSHA256 == Array(SHA256.hash(data: Data(header.utf8))))
        }
    }

    @Test("text without a dot has no header")
    func dotless() {
        #expect(SplitJWS("") == nil && SplitJWS(String(repeating: "x", count: 100)) == nil)
    }
}
