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
}
