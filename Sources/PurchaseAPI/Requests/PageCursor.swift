package import PurchaseCore
package import PurchaseService

/// Where a list goes on, as opaque text; each list has a letter of its own, so that one's cursor is no other's.
package enum PageCursor {
    static func text(_ cursor: GrantCursor) -> String {
        Base64.cursor("g\(cursor.createdAt.millisecondsSince1970).\(cursor.id.rawValue)")
    }

    static func grants(_ text: String) -> GrantCursor? {
        guard let plain = Base64.plain(text), plain.first == "g" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), Syntax.isOpaqueID(String(parts[1])) else {
            return nil
        }
        return GrantCursor(
            createdAt: Instant(millisecondsSince1970: milliseconds), id: GrantID(String(parts[1])))
    }

    /// A place in the list of disputes.
    package static func text(_ cursor: CaseCursor) -> String {
        Base64.cursor("c\(cursor.openedAt.millisecondsSince1970).\(cursor.id.rawValue)")
    }

    /// Reads what ``text(_:)-(CaseCursor)`` wrote; `nil` for anything else.
    package static func cases(_ text: String) -> CaseCursor? {
        guard let plain = Base64.plain(text), plain.first == "c" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), Syntax.isOpaqueID(String(parts[1])) else {
            return nil
        }
        return CaseCursor(openedAt: Instant(millisecondsSince1970: milliseconds), id: CaseID(String(parts[1])))
    }

    /// A place in an account's list of overrides.
    package static func text(beforeOverride number: Int64) -> String { Base64.cursor("o\(number)") }

    /// Reads what ``text(beforeOverride:)`` wrote; `nil` for anything else.
    package static func override(_ text: String) -> Int64? {
        guard let plain = Base64.plain(text), plain.first == "o" else { return nil }
        return Int64(plain.dropFirst()).flatMap { $0 > 0 ? $0 : nil }
    }

    /// A place in the list of people's actions.
    package static func text(beforePosition position: Int64) -> String { Base64.cursor("a\(position)") }

    /// Reads what ``text(beforePosition:)`` wrote; `nil` for anything else.
    package static func position(_ text: String) -> Int64? {
        guard let plain = Base64.plain(text), plain.first == "a" else { return nil }
        return Int64(plain.dropFirst()).flatMap { $0 > 0 ? $0 : nil }
    }

    /// A place in a revenue report.
    package static func text(_ cursor: RevenueCursor) -> String { Base64.cursor("v\(cursor.asOf).\(cursor.offset)") }

    /// Reads what ``text(_:)-(RevenueCursor)`` wrote; `nil` for anything else.
    package static func revenue(_ text: String) -> RevenueCursor? {
        guard let plain = Base64.plain(text), plain.first == "v" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let asOf = Int64(parts[0]), let offset = Int64(parts[1]), asOf >= 0, offset >= 0 else {
            return nil
        }
        return RevenueCursor(asOf: asOf, offset: offset)
    }

    /// A place among the results of a search.
    package static func text(_ place: SearchPlace) -> String {
        Base64.cursor("t\(place.at.millisecondsSince1970).\(place.transactionID.rawValue)")
    }

    /// Reads what ``text(_:)-(SearchPlace)`` wrote; `nil` for anything else.
    package static func search(_ text: String) -> SearchPlace? {
        guard let plain = Base64.plain(text), plain.first == "t" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]),
            let id = TransactionID(validating: String(parts[1]))
        else { return nil }
        return SearchPlace(at: Instant(millisecondsSince1970: milliseconds), transactionID: id)
    }

    /// A place in a list of evidence.
    package static func text(_ item: EvidenceID) -> String {
        Base64.cursor("p\(item.sha256).\(item.source.rawValue)")
    }

    /// Reads what ``text(_:)-(EvidenceID)`` wrote; `nil` for anything else.
    package static func evidence(_ text: String) -> EvidenceID? {
        guard let plain = Base64.plain(text), plain.first == "p" else { return nil }
        let parts = plain.dropFirst().split(separator: ".", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count == 64,
            parts[0].utf8.allSatisfy({ Hexadecimal.value(of: $0) != nil }),
            let source = EvidenceSource(rawValue: String(parts[1]))
        else { return nil }
        return EvidenceID(sha256: String(parts[0]), source: source)
    }

    /// A place in the events of a chain.
    package static func text(afterVersion version: Int64) -> String { Base64.cursor("e\(version)") }

    /// Reads what ``text(afterVersion:)`` wrote; `nil` for anything else.
    package static func version(_ text: String) -> Int64? {
        guard let plain = Base64.plain(text), plain.first == "e" else { return nil }
        return Int64(plain.dropFirst()).flatMap { $0 >= 0 ? $0 : nil }
    }
}

extension PageCursor {
    /// The contract's bound on a restore's cursor, in characters.
    private static let restoreCharactersMax = 2_048

    /// `r`, then whether there are gaps, the current chain, the finished ones, and Apple's revision, which comes last
    /// since nobody knows what characters it has.
    static func text(_ cursor: RestoreCursor) -> String {
        let done = cursor.done.compactMap(name).joined(separator: ",")
        let current = cursor.current.flatMap(name) ?? ""
        return Base64.cursor("r\(cursor.hasGaps ? 1 : 0);\(current);\(done);\(cursor.revision ?? "")")
    }

    /// Reads what ``text(_:)-(RestoreCursor)`` wrote; what is in it is a caller's word.
    static func restore(_ text: String) -> RestoreCursor? {
        guard let plain = Base64.plain(text, maximumCharacters: restoreCharactersMax), plain.first == "r" else {
            return nil
        }
        let parts = plain.dropFirst().split(separator: ";", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, ["0", "1"].contains(parts[0]) else { return nil }
        let names = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        let done = parts[2].isEmpty ? [] : names.map(chain)
        guard done.count <= RestoreCursor.historiesMax, done.allSatisfy({ $0 != nil }) else { return nil }
        let current = chain(parts[1])
        guard parts[1].isEmpty || current != nil, parts[3].isEmpty || current != nil else { return nil }
        return RestoreCursor(
            done: done.compactMap(\.self), current: current, revision: parts[3].isEmpty ? nil : String(parts[3]),
            hasGaps: parts[0] == "1")
    }

    private static func name(_ chain: Chain.Identity) -> String? {
        switch chain {
        case .provisional, .account: nil
        case .original(.production, let id): "p\(id.rawValue)"
        case .original(.sandbox, let id): "s\(id.rawValue)"
        }
    }

    private static func chain(_ name: Substring) -> Chain.Identity? {
        guard let id = TransactionID(validating: String(name.dropFirst())) else { return nil }
        switch name.first {
        case "p": return .original(.production, OriginalTransactionID(id.rawValue))
        case "s": return .original(.sandbox, OriginalTransactionID(id.rawValue))
        default: return nil
        }
    }
}

extension Base64 {
    /// A cursor's text.
    fileprivate static func cursor(_ plain: String) -> String { url(plain.utf8) }

    /// What a cursor says; `nil` for more than the contract's number of characters, and for what is no ASCII text.
    fileprivate static func plain(_ text: String, maximumCharacters: Int = 256) -> String? {
        guard text.utf8.count <= maximumCharacters, let bytes = decode(url: text),
            bytes.allSatisfy({ $0 < 0x80 })
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
