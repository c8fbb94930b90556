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

    /// Whether words are what ``rule`` says.
    package static func isSentence(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return scalars.count <= charactersMax
            && scalars.contains { !$0.properties.isWhitespace }
            && scalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control }
    }
}
