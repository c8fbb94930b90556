import HTTPTypes
import Hummingbird
import PurchaseService

extension Handlers {
    /// `POST /v1/notifications/apple`.
    ///
    /// A fault of ours is 503, whatever it is, so that Apple sends the notification again.
    func postNotification(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let parameters = ParameterReader(request, context)
        // Places are few and need no key: whoever trickles a body gives his back soon.
        let maximumBytes = configuration.maximumNotificationBytes
        let object = try await timeLimiter.run(configuration.notificationBodyTimeout, on: context.channel.eventLoop) {
            try await readJSONObject(of: request, maximumBytes: maximumBytes)
        }
        var reader = PropertyReader(object)
        let payload = reader.value("signedPayload", isRequired: true, rule: "Must not be empty.") {
            $0.isEmpty ? nil : $0
        }
        reader.finish(allowsUnknown: true)
        try parameters.check(with: reader.faults)
        let result: NotificationIntake.Result
        do throws(ServiceError) {
            result = try await useCases.receiveNotification(payload ?? "", requestID: context.requestID)
        } catch {
            throw Problem(asRetryable: error)
        }
        if case .refused(let detail) = result { throw Problem.notificationRefused(detail) }
        var writer = JSONWriter()
        writer.object { $0.member("outcome", result.code) }
        return .json(writer)
    }
}

extension Problem {
    /// The problem of an error after which the sender should try again, in any case.
    fileprivate init(asRetryable error: ServiceError) {
        switch error {
        case .overloaded, .unavailable, .appStoreUnavailable: self.init(error)
        case .fault(let cause):
            self = .overloaded(retryAfterSeconds: 60)
            self.cause = cause
        case .notFound, .orderNotFound, .evidenceErased, .grantCancelled, .overrideLimit, .asOfNotSettled, .invalid,
            .rateLimited, .identityUnavailable, .beingErased:
            self = .overloaded(retryAfterSeconds: 60)
        }
    }
}
