/// Whole numbers as decimal digits, written straight into bytes.
///
/// `String(number).utf8` says the same; it takes about ten times as long, which shows where there are millions of rows.
package enum DecimalDigits {
    /// The longest: `Int64.min` with its sign.
    private static let digitsMax = 20

    /// Appends a number, with a minus in front if it is negative.
    package static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &bytes)
    }

    /// Appends a number with zeros in front up to `width` digits.
    package static func append(_ value: UInt64, width: Int = 1, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: digitsMax) { digits in
            var rest = value
            var start = digitsMax
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while start > 0 && (rest > 0 || start > digitsMax - width)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}
