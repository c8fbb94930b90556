import HTTPTypes
import Hummingbird
import NIOCore

/// Reads a request's JSON object, within bounds.
///
/// Throws problems: 415 for another content type, 413 for too many bytes, 400 for what is no JSON object.
func readJSONObject(of request: Request, maximumBytes: Int) async throws -> JSONObject {
    try requireJSON(request.headers)
    let buffer = try await collectBody(of: request, maximumBytes: maximumBytes)
    guard buffer.readableBytes > 0 else {
        throw Problem.invalidRequest([Fault(pointer: "", detail: "The body is empty; send a JSON object.")])
    }
    return try jsonObject(in: buffer)
}

/// Reads a request's JSON object where there is one; no bytes are an object without members.
func readJSONObjectIfAny(of request: Request, maximumBytes: Int) async throws -> JSONObject {
    if request.headers[.contentType] != nil { try requireJSON(request.headers) }
    let buffer = try await collectBody(of: request, maximumBytes: maximumBytes)
    guard buffer.readableBytes > 0 else { return JSONObject() }
    try requireJSON(request.headers)
    return try jsonObject(in: buffer)
}

private func collectBody(of request: Request, maximumBytes: Int) async throws -> ByteBuffer {
    try requireSize(request.headers, maximumBytes: maximumBytes)
    do {
        return try await request.body.collect(upTo: maximumBytes)
    } catch is NIOTooManyBytesError {
        throw Problem.payloadTooLarge(maximumBytes: maximumBytes)
    } catch let error as CancellationError {
        throw error
    } catch {
        // The connection broke, or its framing did: not our fault, and nobody may be left to read the answer.
        throw Problem.invalidRequest([Fault(pointer: "", detail: "The body did not arrive completely.")])
    }
}

private func jsonObject(in buffer: ByteBuffer) throws(Problem) -> JSONObject {
    let value: JSONValue
    do throws(JSONSyntaxError) {
        value = try JSONReader.value(of: Array(buffer: buffer))
    } catch {
        throw Problem.invalidRequest([Fault(pointer: "", detail: error.explanation)])
    }
    guard case .object(let object) = value else {
        throw Problem.invalidRequest([Fault(pointer: "", detail: "Must be a JSON object.")])
    }
    return object
}

/// Refuses a body by its declared length, before any of it is read.
func requireSize(_ headers: HTTPFields, maximumBytes: Int) throws(Problem) {
    guard let declared = headers[.contentLength].flatMap({ Int($0) }), declared > maximumBytes else { return }
    throw .payloadTooLarge(maximumBytes: maximumBytes)
}

private func requireJSON(_ headers: HTTPFields) throws(Problem) {
    // As nearly everybody writes it.
    if headers[.contentType] == "application/json", headers[.contentEncoding] == nil { return }
    let parts = (headers[.contentType] ?? "").lowercased().split(separator: ";", omittingEmptySubsequences: false)
        .map { String($0.filter { $0 != " " && $0 != "\t" && $0 != "\"" }) }
    let isUTF8 = parts.dropFirst().allSatisfy { !$0.hasPrefix("charset=") || $0 == "charset=utf-8" }
    guard parts.first == "application/json", isUTF8 else { throw .unsupportedMediaType("Send application/json.") }
    guard headers[.contentEncoding].map({ $0.lowercased() == "identity" }) ?? true else {
        throw .unsupportedMediaType("Send the body without Content-Encoding.")
    }
}
