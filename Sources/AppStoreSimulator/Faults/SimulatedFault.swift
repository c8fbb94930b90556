/// Something that goes wrong with a call to the simulated App Store Server API.
package struct SimulatedFault: Sendable {
    /// What goes wrong.
    package enum Kind: Sendable {
        /// 401 with plain text, as for a bad token or an app that was never released.
        case unauthorized
        /// An error of Apple's with the status in its first three digits, such as 4040010.
        case notFound(errorCode: Int64)
        /// 429 / 4290000; the header `Retry-After` is the UNIX time in milliseconds that lies this far ahead, or absent.
        case throttled(retryAfterMilliseconds: Int64?)
        /// A 5xx; without an error code the body is a proxy's page instead of JSON.
        case serverError(errorCode: Int64?, status: Int)
        /// No answer until the client gives up, at most ``SimulatedFault/delayMillisecondsMax``.
        case timeout
        /// Nothing but the delay that ``SimulatedFault/delayMilliseconds`` says.
        case delay
        /// The right answer, its body trickling.
        case slowBody(bytesPerSecond: Int)
        /// The right head, half the body, and then the connection closes.
        case cutBody
        /// A signed answer about another transaction: the named one, or one that doesn't exist.
        case wrongTransaction(transactionID: String?)
        /// The payload as it was before the last change, signed now, or with the `signedDate` of that time.
        case stale(oldSignedDate: Bool)
        /// A forged JWS in an otherwise right answer.
        case forged(SimulatedForgery)
        /// 200 with HTML.
        case notJSON
        /// 200 with nothing.
        case emptyBody
        /// 200 with JSON of this many bytes.
        case oversizedBody(bytes: Int)
        /// Any status with any body.
        case status(Int, body: String, contentType: String)
        /// The right answer under a `Date` header that is off by this much.
        case badDate(skewSeconds: Int64)
    }

    /// No simulated wait is longer than this.
    package static let delayMillisecondsMax: Int64 = 60_000
    /// No simulated body is larger than this.
    package static let bodyBytesMax = 64 << 20

    /// What goes wrong.
    package var kind: Kind
    /// How long the answer waits first; at most ``delayMillisecondsMax``.
    package var delayMilliseconds: Int64
    /// Only calls with this id in the path; `nil`: every call.
    package var transactionID: String?
    /// Only calls to this environment; `nil`: both.
    package var environment: SimulatedEnvironment?
    /// Only calls to this endpoint; `nil`: all.
    package var endpoint: StoreEndpointName?
    /// How many calls it happens to; `nil`: until it is removed.
    package var times: Int?
    /// How likely it is for each call, from 0 to 1, drawn from the simulator's seed.
    package var probability: Double

    /// A fault; the default happens to the next call, whatever it is.
    package init(
        _ kind: Kind, transactionID: String? = nil, environment: SimulatedEnvironment? = nil,
        endpoint: StoreEndpointName? = nil, times: Int? = 1, delayMilliseconds: Int64 = 0, probability: Double = 1
    ) {
        self.kind = kind
        self.transactionID = transactionID
        self.environment = environment
        self.endpoint = endpoint
        self.times = times
        self.delayMilliseconds = delayMilliseconds
        self.probability = probability
    }
}

extension SimulatedFault.Kind {
    /// The kind's name in the control interface.
    package var name: String {
        switch self {
        case .unauthorized: "unauthorized"
        case .notFound: "notFound"
        case .throttled: "throttled"
        case .serverError: "serverError"
        case .timeout: "timeout"
        case .delay: "delay"
        case .slowBody: "slowBody"
        case .cutBody: "cutBody"
        case .wrongTransaction: "wrongTransaction"
        case .stale: "stale"
        case .forged: "forged"
        case .notJSON: "notJSON"
        case .emptyBody: "emptyBody"
        case .oversizedBody: "oversizedBody"
        case .status: "status"
        case .badDate: "badDate"
        }
    }
}
