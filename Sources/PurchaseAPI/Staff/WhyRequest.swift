package import PurchaseCore

/// The words of a person that acts, which every action of support carries.
package enum WhyRequest {
    /// The longest words, in Unicode scalars.
    package static let charactersMax = 500
    /// What the words must be, for a person who sent others.
    package static let rule =
        "Must be 1 to 500 characters that say something, without control characters."

    /// Reads a body that holds nothing else, and every fault of the object.
    static func read(_ object: JSONObject) -> (why: String, faults: Faults) {
        var reader = PropertyReader(object)
        let why = read(&reader)
        reader.finish()
        return (why, reader.faults)
    }

    /// Reads the property `why`; on a fault text that the reader's faults keep from being used.
    static func read(_ reader: inout PropertyReader) -> String {
        reader.value(
            "why", isRequired: true, rule: rule
        ) { isSentence($0) ? $0 : nil } ?? ""
    }

    /// What the words must be where nothing may name an account afterwards.
    package static let erasureRule =
        "Must be 1 to 500 characters that say something, without control characters, and not name the account."

    /// Reads the property `why` of an act after which nothing may name an account: words that hold its id are a fault.
    static func read(_ reader: inout PropertyReader, notNaming account: AccountID) -> String {
        reader.value("why", isRequired: true, rule: erasureRule) {
            isSentence($0, notNaming: account) ? $0 : nil
        } ?? ""
    }

    /// Whether words are what ``erasureRule`` says.
    package static func isSentence(_ text: String, notNaming account: AccountID) -> Bool {
        isSentence(text) && !names(account, in: text)
    }

    /// Ids that are shorter stand in too many words to be told from them.
    private static let namedCharactersMin = 3

    /// Whether an id stands in a text by itself, in any case: `player-1` does in `Player-1 asked`, not in `player-12`.
    private static func names(_ account: AccountID, in text: String) -> Bool {
        let (id, bytes) = (Array(account.rawValue.lowercased().utf8), Array(text.lowercased().utf8))
        guard id.count >= namedCharactersMin, bytes.count >= id.count else { return false }
        func isWord(_ index: Int) -> Bool {
            bytes.indices.contains(index) && (bytes[index] >= 0x80 || isAlphanumeric(bytes[index]))
        }
        return (0...(bytes.count - id.count)).contains { start in
            bytes[start..<(start + id.count)].elementsEqual(id) && !isWord(start - 1) && !isWord(start + id.count)
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    /// Whether words are what ``rule`` says.
    package static func isSentence(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return scalars.count <= charactersMax
            && scalars.contains { !$0.properties.isWhitespace }
            && scalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control }
    }
}
