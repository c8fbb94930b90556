import FoundationEssentials

/// `{"signedTransactionInfo": "…"}`.
struct TransactionInfoResponse: Sendable, Equatable {
    /// A JWS, not verified.
    let signedTransactionInfo: String

    private struct Wire: Decodable {
        let signedTransactionInfo: String?
    }

    /// Reads the body of a 200; never empty.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        let wire = try decodeJSON(Wire.self, from: bytes)
        guard let jws = wire.signedTransactionInfo, !jws.isEmpty else {
            throw MalformedBody(reason: "the body has no signedTransactionInfo")
        }
        return Self(signedTransactionInfo: jws)
    }
}

/// Apple's JSON body of a refusal: `{"errorCode": 4040010, "errorMessage": "…"}`.
struct ErrorPayload: Decodable {
    let errorCode: Int64

    /// The code of a refusal's body; `nil` for 200, and for everything that isn't Apple's JSON (a text, a page, a cut
    /// or oversized body, a code that isn't a whole number).
    static func code(in body: BoundedHTTP.Body, status: Int) -> Int64? {
        guard status != 200, case .complete(let bytes) = body else { return nil }
        return try? decodeJSON(Self.self, from: bytes).errorCode
    }
}

/// Decodes JSON; the reason in the error names the kind of fault and quotes nothing.
func decodeJSON<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(MalformedBody) -> Value {
    do {
        return try JSONDecoder().decode(type, from: Data(bytes))
    } catch DecodingError.dataCorrupted {
        throw MalformedBody(reason: "the body is not JSON")
    } catch {
        throw MalformedBody(reason: "the body is JSON, but not what Apple documents")
    }
}
