import HTTPTypes
import Hummingbird
import NIOCore

/// One faulty part of a request.
struct Fault: Equatable, Sendable {
    /// A JSON Pointer into the body, or `/path/…`, `/query/…`, `/header/…`.
    let pointer: String
    /// What is wrong, and what would be right; never the value that was sent.
    let detail: String
}

/// An answer of 400 or more, before it is written (RFC 9457).
struct Problem: Error, Sendable {
    /// The contract's bound on `errors`.
    static let faultsMax = 50
    /// The contract's bound on `detail`, in characters.
    private static let detailCharactersMax = 1_000

    let code: ProblemCode
    /// About this occurrence; safe to show to anybody.
    var detail: String
    /// The faulty parts of the request.
    var faults: [Fault] = []
    /// Seconds until the same request may succeed.
    var retryAfterSeconds: Int?
    /// Further header fields.
    var headers = HTTPFields()
    /// What the answer to a posted transaction, or to a restore that begins with one, says besides.
    var submission = SubmissionMembers()
    /// What happened, for the log alone.
    var cause: String?

    /// Members of problems in answer to a posted transaction.
    struct SubmissionMembers: Sendable {
        var finish = false
        var refusal: String?
        var caseID: String?
        var claimToken: String?
    }

    init(_ code: ProblemCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The answer; `answersSubmission` adds what only whoever posted a transaction needs.
    func response(requestID: String, answersSubmission: Bool) -> Response {
        let (headers, body) = content(requestID: requestID, answersSubmission: answersSubmission)
        return Response(
            status: HTTPResponse.Status(code: code.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The answer's header fields and body.
    func content(requestID: String, answersSubmission: Bool) -> (headers: HTTPFields, body: [UInt8]) {
        var headers = headers
        headers[.contentType] = "application/problem+json; charset=utf-8"
        headers[.cacheControl] = "no-store"
        headers[.retryAfter] = retryAfterSeconds.map(String.init)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", code.type)
            writer.member("title", code.title)
            writer.member("status", code.status)
            writer.member("detail", String(detail.prefix(Self.detailCharactersMax)))
            writer.member("instance", "urn:request:" + requestID)
            writer.member("code", code.rawValue)
            writer.member("retryable", code.isRetryable)
            if let retryAfterSeconds { writer.member("retryAfterSeconds", retryAfterSeconds) }
            if !faults.isEmpty {
                writer.member("errors", faults.prefix(Self.faultsMax)) { writer, fault in
                    writer.object { writer in
                        writer.member("pointer", fault.pointer)
                        writer.member("detail", fault.detail)
                    }
                }
            }
            write(submission, to: &writer, answersSubmission: answersSubmission)
        }
        return (headers, writer.bytes)
    }

    private func write(_ members: SubmissionMembers, to writer: inout JSONWriter, answersSubmission: Bool) {
        if answersSubmission { writer.member("finish", members.finish) }
        if let refusal = members.refusal { writer.member("refusal", refusal) }
        if let caseID = members.caseID { writer.member("caseId", caseID) }
        if answersSubmission, let claimToken = members.claimToken { writer.member("claimToken", claimToken) }
    }
}
