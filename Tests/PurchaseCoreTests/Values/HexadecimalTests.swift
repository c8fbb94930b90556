import PurchaseCore
import Testing

@Suite("Hexadecimal")
struct HexadecimalTests {
    @Test("every byte has two digits, and they give it back")
    func everyByte() {
        let all = (UInt8.min...UInt8.max).map(\.self)
        let text = Hexadecimal.text(all)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff") && text.utf8.count == 512)
        #expect(Hexadecimal.bytes(text) == all)
    }

    @Test("a digest has one spelling", arguments: ["0", "0G", "AB", "a b0", "é", "0x10", "１２"])
    func refused(text: String) { #expect(Hexadecimal.bytes(text) == nil) }

    @Test("a single digit may be of either case")
    func digits() {
        #expect("09afAF".utf8.map { Hexadecimal.value(of: $0) } == [0, 9, 10, 15, 10, 15])
        #expect("/:@G`g".utf8.allSatisfy { Hexadecimal.value(of: $0) == nil })
    }
}
