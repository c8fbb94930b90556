import Foundation
import PurchaseCore
import Testing

@Suite("Text as a JSON string")
struct JSONTextTests {
    private static func written(_ text: String, _ controls: JSONText.Controls) -> String {
        var bytes: [UInt8] = []
        JSONText.append(text, controls: controls, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("every character of one byte comes back, alone and among others", arguments: 0...0x7F)
    func roundTrip(scalar: Int) throws {
        let character = String(UnicodeScalar(UInt8(scalar)))
        for text in [character, "before \(character)\(character) äfter 🧾"] {
            for controls in [JSONText.Controls.numbered, .lettered] {
                let data = Data(Self.written(text, controls).utf8)
                #expect(try JSONDecoder().decode(String.self, from: data) == text, "\(controls)")
            }
        }
    }

    @Test("each way of writing control characters is its own for ever")
    func bytes() {
        let text = "\"\\\u{08}\t\n\u{0C}\r\u{01}\u{1F}\u{7F}/é"
        #expect(
            Self.written(text, .numbered) == #""\"\\\u0008\u0009\u000a\u000c\u000d\u0001\u001f\u007f/é""#)
        #expect(Self.written(text, .lettered) == "\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\u{7F}/é\"")
        #expect(Self.written("", .numbered) == "\"\"")
    }

    @Test(
        "an escape is read as its character, and the place is behind it",
        arguments: [
            (#"""#, "\""), (#"\"#, "\\"), ("/", "/"), ("b", "\u{8}"), ("t", "\t"), ("n", "\n"), ("f", "\u{C}"),
            ("r", "\r"),
            ("u0041", "A"), ("u00e9", "é"), ("u20AC", "€"), ("uD83E\\uDDFE", "🧾"), ("uDBFF\\uDFFF", "\u{10FFFF}"),
        ] as [(String, Unicode.Scalar)])
    func escape(written: String, scalar: Unicode.Scalar) throws {
        let bytes = Array("\\\(written)rest".utf8)
        var place = 1
        let read = try JSONText.readEscape(in: bytes, at: &place)
        #expect(read == scalar)
        #expect(place == 1 + written.utf8.count)
    }

    @Test(
        "what is no escape says what is wrong, and where",
        arguments: [
            ("", .syntax, 0), ("x", .syntax, 0), ("B", .syntax, 0), ("u", .syntax, 1), ("u12", .syntax, 3),
            ("u12G4", .syntax, 3), ("uD83E", .encoding, 1), ("uD83E rest", .encoding, 1), ("uD83E\\n", .encoding, 1),
            ("uD83E\\u00", .syntax, 9), ("uD83E\\u0041", .encoding, 1), ("uD83E\\uD83E", .encoding, 1),
            ("uDDFE", .encoding, 1), ("uDDFE\\uD83E", .encoding, 1),
        ] as [(String, JSONText.EscapeFault, Int)])
    func badEscape(written: String, fault: JSONText.EscapeFault, offset: Int) {
        let bytes = Array(written.utf8)
        var place = 0
        #expect(throws: fault) { try JSONText.readEscape(in: bytes, at: &place) }
        #expect(place == offset)
    }
}
