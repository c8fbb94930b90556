import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `POST /v1/accounts/{accountId}/erase`.
    func eraseAccount(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let account = parameters.accountID()
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        var reader = PropertyReader(object)
        let why = WhyRequest.read(&reader, notNaming: account)
        reader.finish()
        try parameters.check(with: reader.faults)
        let erasure = try await useCases.erase(account, why: why, by: caller, requestID: context.requestID)
        var writer = JSONWriter()
        writer.erasure(erasure)
        switch erasure {
        case .unknown, .finished: return .json(writer)
        case .underWay:
            return .json(writer, status: .accepted, headers: [.retryAfter: String(Self.erasurePauseSeconds)])
        }
    }

    /// When asking again is likely to show that more is done.
    private static var erasurePauseSeconds: Int { 5 }
}

extension JSONWriter {
    fileprivate mutating func erasure(_ erasure: AccountErasure) {
        object { writer in
            switch erasure {
            case .unknown:
                writer.member("status", "unknown")
                writer.member("requestedAt", Instant?.none)
                writer.member("erasedAt", Instant?.none)
            case .underWay(let requestedAt):
                writer.member("status", "erasing")
                writer.member("requestedAt", requestedAt)
                writer.member("erasedAt", Instant?.none)
            case .finished(let requestedAt, let finishedAt):
                writer.member("status", "erased")
                writer.member("requestedAt", requestedAt)
                writer.member("erasedAt", finishedAt)
            }
        }
    }
}
