/// JSON texts of any shape, with blanks, escapes, repeated names and numbers at the ends of their ranges.
struct RandomJSON {
    private static let blanks = ["", "", "", " ", "\n", "\t\r ", "  "]
    private static let names = [
        "id", "idx", "ID", "key", "value", "purchaseDate", "", "ä", #"i\u0064"#, #"\n"#, "super",
    ]
    private static let numbers = [
        "0", "-0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
        "123456789012345678901234567890",
    ]
    private static let pieces = [
        "", "a", "ä", "日本", "👩‍👩‍👧", "/", #"\/"#, #"\""#, #"\\"#, #"\b\f\n\r\t"#, #"\u0000"#, #"\u00e4"#, #"\uD83D\uDE00"#,
        #"\u2028"#, "\u{7F}", "com.example.app.pro", "2000000000000001", "}", "]", ",",
    ]
    /// What a mutation puts in: whatever means something in JSON, and some that doesn't.
    private static let bytes = Array(#"{}[]",:\/u0189-+.eEtfn dD "#.utf8) + [0x00, 0x01, 0x0A, 0x1F, 0x7F]

    private var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(seed: seed) }

    private mutating func one(_ choices: [String]) -> String { choices.randomElement(using: &generator) ?? "" }

    private mutating func blank() -> String { one(Self.blanks) }

    /// A good text, nested so deep at most.
    mutating func text(depth: Int) -> String {
        let value: String
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
        case 0: value = one(["null", "true", "false"])
        case 1, 2: value = one(Self.numbers)
        case 3, 4:
            let count = Int.random(in: 0..<5, using: &generator)
            value = "\"\((0..<count).map { _ in one(Self.pieces) }.joined())\""
        case 5:
            let count = Int.random(in: 0..<4, using: &generator)
            value = "[\(blank())\((0..<count).map { _ in text(depth: depth - 1) }.joined(separator: ","))]"
        default:
            let count = Int.random(in: 0..<7, using: &generator)
            let members = (0..<count).map { _ in
                "\(blank())\"\(one(Self.names))\"\(blank()):\(text(depth: depth - 1))"
            }
            value = "{\(blank())\(members.joined(separator: ","))}"
        }
        return blank() + value + blank()
    }

    /// The same text with one fault, or two: cut off, a byte more, less or another, or two pieces in each other's place.
    mutating func spoilt(_ text: String) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...2, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let other = Self.bytes.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.removeSubrange(place...)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(other, at: place)
            case 3: bytes[place] = other
            default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
            }
        }
        // Where a character was cut in two, a replacement stands.
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same values with other blanks, as PostgreSQL puts some behind colons and commas.
    mutating func spaced(_ text: String) -> String {
        var result = ""
        var (isInside, isEscaped) = (false, false)
        for character in text.unicodeScalars {
            result.unicodeScalars.append(character)
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isInside.toggle()
            }
            if !isInside, ":,{}[]".unicodeScalars.contains(character) { result += blank() }
        }
        return result
    }
}
