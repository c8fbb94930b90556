import Foundation

/// Sebastiano Vigna's SplitMix64 (public domain): the same seed gives the same run on every machine.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// One of the elements, which must not be empty.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    /// Seeds for a property test: `SEED=` alone when it is set, else fixed ones and a fresh one, which is printed.
    static func seeds(fixed: ClosedRange<UInt64>, for law: String) -> [UInt64] {
        if let text = ProcessInfo.processInfo.environment["SEED"], let seed = UInt64(text) { return [seed] }
        let fresh = UInt64.random(in: 1_000...999_999_999)
        print("\(law): fresh seed \(fresh) (repeat with SEED=\(fresh))")
        return Array(fixed) + [fresh]
    }
}
