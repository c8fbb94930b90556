/// SplitMix64: small, fast, and the same numbers for the same seed on every machine.
///
/// Never used for keys.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The seed of a second sequence; this one goes on as if nothing had been asked.
    func fork() -> UInt64 {
        var copy = SeededGenerator(seed: state ^ 0x6E6F_7469_6679_2D31)
        return copy.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
