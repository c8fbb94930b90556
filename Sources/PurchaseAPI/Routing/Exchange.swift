import HTTPTypes

/// One answered request, as metrics see it: nothing that a client wrote is in it.
package struct Exchange: Sendable {
    /// The operation; `nil` for a path or method that no route has.
    package let operation: APIOperation?
    /// Whether it was about a page of the console, which has no operation.
    package let isConsole: Bool
    /// The method, or `other` for one outside RFC 9110 and PATCH: a client could make up names without end.
    package let method: String
    /// The status of the answer.
    package let status: Int
    /// From the request's head to the answer's head.
    package let duration: Duration

    private static let methods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch,
    ]

    init(
        operation: APIOperation?, isConsole: Bool = false, method: HTTPRequest.Method, status: Int, duration: Duration
    ) {
        self.operation = operation
        self.isConsole = isConsole
        self.method = Self.methods.contains(method) ? method.rawValue : "other"
        self.status = status
        self.duration = duration
    }
}
