import HTTPTypes
import Hummingbird
import NIOCore

/// What the control interface answers.
struct ControlAnswer: Sendable {
    var status: Int
    var contentType: String?
    var body: [UInt8]

    static let noContent = ControlAnswer(status: 204, contentType: nil, body: [])

    static func json(_ object: SimulatorJSONObject, status: Int = 200) -> ControlAnswer {
        ControlAnswer(status: status, contentType: "application/json", body: object.bytes)
    }

    static func failure(_ sentence: String, status: Int) -> ControlAnswer {
        json(["error": .string(sentence)], status: status)
    }

    var response: Response {
        var headers = HTTPFields()
        if let contentType { headers[.contentType] = contentType }
        let body = body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        return Response(status: HTTPResponse.Status(code: status), headers: headers, body: body)
    }
}
