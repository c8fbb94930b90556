import PurchaseCore
import Testing

@Suite("Strict base64")
struct Base64Tests {
    @Test(
        "the test vectors of RFC 4648, in both forms",
        arguments: [
            ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg==", "Zm9vYg"),
            ("fooba", "Zm9vYmE=", "Zm9vYmE"), ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
        ])
    func vectors(plain: String, standard: String, url: String) {
        #expect(Base64.decode(standard: Array(standard.utf8)[...]) == Array(plain.utf8))
        #expect(Base64.decode(url: url) == Array(plain.utf8))
        #expect(Base64.url(plain.utf8) == url)
    }

    @Test(
        "base64url of random bytes comes back as it was", arguments: SplitMix64.seeds(fixed: 1...20, for: "base64url"))
    func roundTrip(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let bytes = (0..<Int.random(in: 0...70, using: &generator)).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        #expect(Base64.decode(url: Base64.url(bytes)) == bytes)
    }

    @Test("the alphabets differ in two characters")
    func alphabets() {
        #expect(Base64.decode(standard: Array("+/+/".utf8)[...]) == [0xFB, 0xFF, 0xBF])
        #expect(Base64.decode(url: Array("-_-_".utf8)[...]) == [0xFB, 0xFF, 0xBF])
        #expect(Base64.decode(standard: Array("-_-_".utf8)[...]) == nil)
        #expect(Base64.decode(url: Array("+/+/".utf8)[...]) == nil)
    }

    @Test(
        "every other spelling is refused",
        arguments: ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "==", "====", "Z", "Zm9v=", "Z=9v", "Zm 9v"])
    func standard(text: String) { #expect(Base64.decode(standard: Array(text.utf8)[...]) == nil) }

    @Test(
        "every other spelling is refused in base64url", arguments: ["Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm8=", "Zm\n8"])
    func url(text: String) { #expect(Base64.decode(url: Array(text.utf8)[...]) == nil) }

    @Test("a slice in the middle of an array is decoded as such")
    func slices() {
        let bytes = Array("..Zm8..".utf8)
        #expect(Base64.decode(url: bytes[2..<5]) == Array("fo".utf8))
    }

    @Test("a character of another alphabet, anywhere in a text of any length, makes it no base64", arguments: 1...12)
    func strangers(count: Int) {
        let text = Array(Base64.url((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 1) }).utf8)
        #expect(Base64.decode(url: text[...]) != nil)
        for place in text.indices {
            for stranger in [UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "."), 0x00, 0x80, 0xFF] {
                var other = text
                other[place] = stranger
                #expect(Base64.decode(url: other[...]) == nil, "\(stranger) at \(place)")
            }
        }
    }

    @Test("each byte string has one spelling: no other last character stands for it", arguments: 1...6)
    func oneSpelling(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 91 &+ 7) }
        let text = Array(Base64.url(bytes).utf8)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let spellings = alphabet.filter { Base64.decode(url: (text.dropLast() + [$0])[...]) == bytes }
        #expect(spellings == [text.last])
    }
}
