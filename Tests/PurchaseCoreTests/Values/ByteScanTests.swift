import PurchaseCore
import Testing

@Suite("Looking through bytes many at a time")
struct ByteScanTests {
    /// Bytes in which what is looked for is rare, so that it turns up in every part of a block.
    private static func bytes(_ count: Int, _ generator: inout SplitMix64) -> [UInt8] {
        let rare: [UInt8] = [0x00, 0x1F, 0x22, 0x5C, 0x2E]
        return (0..<count).map { _ in
            Int.random(in: 0..<24, using: &generator) == 0
                ? rare[Int.random(in: 0..<rare.count, using: &generator)]
                : [0x20, 0x21, 0x41, 0x7F, 0x80, 0xFF][Int.random(in: 0..<6, using: &generator)]
        }
    }

    @Test(
        "the first place is the one that looking at each byte finds, from every start",
        arguments: SplitMix64.seeds(fixed: 1...20, for: "byte scan"))
    func places(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let bytes = Self.bytes(Int.random(in: 0...90, using: &generator), &generator)
        bytes.withUnsafeBufferPointer { buffer in
            for start in 0...bytes.count {
                let dot = bytes[start...].firstIndex(of: 0x2E)
                #expect(ByteScan.firstIndex(of: 0x2E, in: buffer, from: start) == dot, "\(bytes) from \(start)")
                let end = bytes[start...].firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C } ?? bytes.count
                #expect(ByteScan.endOfPlainJSON(in: buffer, from: start) == end, "\(bytes) from \(start)")
            }
        }
    }

    @Test("two texts are equal if each byte is, wherever the one that differs stands", arguments: 0...50)
    func equality(count: Int) {
        var generator = SplitMix64(seed: UInt64(count))
        let bytes = Self.bytes(count, &generator)
        func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in ByteScan.equal(left, right) }
            }
        }
        #expect(equal(bytes, Array(bytes)))
        #expect(!equal(bytes, bytes + [0]) && !equal(bytes + [0], bytes))
        for place in bytes.indices {
            var other = bytes
            other[place] ^= 1
            #expect(!equal(bytes, other), "at \(place)")
        }
    }
}
