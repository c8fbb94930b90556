/// The body of `POST /v1/transactions/{transactionId}/recheck`.
enum RecheckRequest {
    private static let whyCharactersMax = 500

    /// Reads the reason, and every fault of the object.
    static func read(_ object: JSONObject) -> (why: String, faults: Faults) {
        var reader = PropertyReader(object)
        let why = reader.value(
            "why", isRequired: true, rule: "Must be 1 to 500 characters that say something, without control characters."
        ) { isSentence($0) ? $0 : nil }
        reader.finish()
        return (why ?? "", reader.faults)
    }

    private static func isSentence(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return scalars.count <= whyCharactersMax
            && scalars.contains { !$0.properties.isWhitespace }
            && scalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control }
    }
}
