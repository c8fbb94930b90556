import PurchaseCore

/// The fixed calendar of the minted evidence: no test reads a clock.
enum Moment {
    /// 2026-01-01T00:00:00Z, when minted leaves begin.
    static let leafBegins = Instant(millisecondsSince1970: 1_767_225_600_000)
    /// 2026-06-01T00:00:00Z, when minted payloads are signed.
    static let signed = Instant(millisecondsSince1970: 1_780_272_000_000)
    /// A minute after that, when they are verified.
    static let now = signed + .minutes(1)
    /// 2028-01-01T00:00:00Z, when minted leaves end.
    static let leafEnds = Instant(millisecondsSince1970: 1_830_297_600_000)
    /// 2016-01-01 to 2046-01-01, the life of minted authorities.
    static let authorityBegins = Instant(millisecondsSince1970: 1_451_606_400_000)
    static let authorityEnds = Instant(millisecondsSince1970: 2_398_291_200_000)
    /// 2026-11-22T00:00:00Z, for what Apple signed in 2025.
    static let later = Instant(millisecondsSince1970: 1_795_305_600_000)
}
