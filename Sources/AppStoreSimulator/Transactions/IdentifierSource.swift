/// Makes the ids of the simulated store: from a seed the same ones every time, else new ones in every run.
struct IdentifierSource: Sendable {
    private var generator: SeededGenerator
    /// Apart from `generator`, so that the transactions of a seed don't depend on how many notifications were made.
    private var notifications: SeededGenerator
    private var next: Int64

    init(seed: UInt64?) {
        var generator: SeededGenerator
        if let seed {
            generator = SeededGenerator(seed: seed)
        } else {
            var system = SystemRandomNumberGenerator()
            generator = SeededGenerator(seed: system.next())
        }
        notifications = SeededGenerator(seed: generator.fork())
        next = Int64.random(in: 0..<900_000_000_000, using: &generator)
        self.generator = generator
    }

    /// 15 digits, as Apple's transaction ids have; ascending within a run.
    mutating func transactionID(in environment: SimulatedEnvironment) -> String {
        next += Int64.random(in: 1...997, using: &generator)
        return environment.idPrefix + padded(next % 1_000_000_000_000, digits: 12)
    }

    mutating func webOrderLineItemID(in environment: SimulatedEnvironment) -> String {
        environment.idPrefix + padded(Int64.random(in: 0..<1_000_000_000_000, using: &generator), digits: 12)
    }

    mutating func appTransactionID() -> String {
        "70" + padded(Int64.random(in: 0..<10_000_000_000_000_000, using: &generator), digits: 16)
    }

    /// Ten capital letters and digits that begin with M, as in Apple's e-mails.
    mutating func orderID() -> String {
        let alphabet = Array("0123456789BCDFGHJKLMNPQRSTVWXYZ")
        return "M" + String((0..<9).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }

    /// Whether something of this probability happens now.
    mutating func happens(probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &generator) < probability
    }

    /// A version 4 UUID in lower case, as notifications have.
    mutating func uuid() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &notifications) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0x0F)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The items in an order that nobody foresees, and the same one for the same seed.
    mutating func shuffled<Item>(_ items: [Item]) -> [Item] {
        items.shuffled(using: &notifications)
    }

    private func padded(_ number: Int64, digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
