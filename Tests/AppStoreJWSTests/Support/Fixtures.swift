import Foundation
import Testing

/// Files that Apple made.
enum Fixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    static func transaction() throws -> String { try text("transaction-sandbox-consumable-jpy.jws") }
    static func tampered() throws -> String { try text("tampered-price-changed.jws") }
    static func notification() throws -> String { try text("test-notification-sandbox-loki.jws") }
}
