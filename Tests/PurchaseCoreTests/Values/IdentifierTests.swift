import Foundation
import PurchaseCore
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test(
        "an account id is 1–128 of the allowed characters",
        arguments: [
            "a", "user-42", "a.b_c:d@e~f|g", String(repeating: "x", count: 128), "...", "0",
        ])
    func acceptsAccounts(text: String) {
        #expect(AccountID(validating: text)?.rawValue == text)
    }

    @Test(
        "an account id refuses everything else",
        arguments: [
            "", ".", "..", String(repeating: "x", count: 129), "a b", "a/b", "a\nb", "a\u{0}", "ü", "a%2F", "e\u{301}",
            "a?b", "a#b", "<script>",
        ])
    func refusesAccounts(text: String) {
        #expect(AccountID(validating: text) == nil)
    }

    @Test("an account id that is a UUID is lower-cased, and only then")
    func lowersUUIDs() {
        let uuid = "A1B2C3D4-0000-4000-8000-ABCDEFABCDEF"
        #expect(AccountID(validating: uuid)?.rawValue == uuid.lowercased())
        #expect(
            AccountID(validating: "A1B2C3D4-0000-4000-8000-ABCDEFABCDE")?.rawValue
                == "A1B2C3D4-0000-4000-8000-ABCDEFABCDE")
        #expect(AccountID(validating: "Alice")?.rawValue == "Alice")
    }

    @Test("an app account token is compared without case; empty and all-zero mean absent")
    func tokens() {
        let upper = AppAccountToken(validating: "ABCDEF01-2345-4000-8000-ABCDEFABCDEF")
        let lower = AppAccountToken(validating: "abcdef01-2345-4000-8000-abcdefabcdef")
        #expect(upper == lower && upper != nil)
        for text in [
            "", "00000000-0000-0000-0000-000000000000", "abcdef0123454000-8000-abcdefabcdef",
            "abcdef01-2345-4000-8000-abcdefabcdeg",
            "{abcdef01-2345-4000-8000-abcdefabcdef}", "abcdef01-2345-4000-8000-abcdefabcdef\n",
            "abcdef01x2345-4000-8000-abcdefabcdef",
        ] { #expect(AppAccountToken(validating: text) == nil, "\(text)") }
    }

    @Test("a transactionId is 1–32 ASCII digits")
    func transactionIDs() {
        #expect(TransactionID(validating: "0")?.rawValue == "0")
        #expect(TransactionID(validating: String(repeating: "9", count: 32)) != nil)
        for text in ["", String(repeating: "9", count: 33), "12a", "-1", "1 ", "１２", "1/2", "1\n"] {
            #expect(TransactionID(validating: text) == nil, "\(text)")
        }
    }

    @Test("identifiers and numbers are plain strings and numbers in JSON")
    func plainJSON() throws {
        let encoder = JSONEncoder()
        #expect(String(decoding: try encoder.encode([TransactionID("12")]), as: UTF8.self) == "[\"12\"]")
        #expect(String(decoding: try encoder.encode([AccountNumber(7)]), as: UTF8.self) == "[7]")
        #expect(String(decoding: try encoder.encode([ChainID(7)]), as: UTF8.self) == "[7]")
        #expect(try JSONDecoder().decode([ChainID].self, from: Data("[7]".utf8)) == [ChainID(7)])
    }

    @Test("Apple's enum values survive, known or not")
    func appleValues() throws {
        for value in [
            "Consumable", "Non-Consumable", "Auto-Renewable Subscription", "Non-Renewing Subscription", "New Kind",
        ] {
            #expect(ProductType(appleValue: value).appleValue == value)
        }
        for value in ["PURCHASED", "FAMILY_SHARED", "GIFTED"] {
            let type = InAppOwnershipType(appleValue: value)
            #expect(type.appleValue == value)
            #expect(type.isKnown == (value != "GIFTED"))
        }
    }
}
