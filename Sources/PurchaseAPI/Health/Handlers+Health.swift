import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseService

extension Handlers {
    /// Says that the process answers, for `GET /health/live`; touches nothing else.
    func getLiveness() -> Response { health("live") }

    /// Says whether the database answers and has our schema, for `GET /health/ready`; never asks Apple.
    func getReadiness(_ context: VouchRequestContext) async throws(Problem) -> Response {
        // Before the database is asked: whoever asks shall send requests elsewhere while they are still answered.
        guard !configuration.isDraining() else { throw .draining }
        do throws(ServiceError) {
            try await useCases.checkReadiness()
        } catch {
            throw .notReady("\(error)")
        }
        return health("ready")
    }

    /// `GET /openapi.yaml`.
    func getOpenAPI() -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/yaml", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: configuration.openAPIDocument)))
    }

    private func health(_ status: String) -> Response {
        var writer = JSONWriter()
        writer.object { $0.member("status", status) }
        return .json(writer)
    }
}
