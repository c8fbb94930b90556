import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

struct Follower: Sendable {
    /// Vouch says when to come again.
    struct Busy: Error {
        var seconds: Int
    }

    let url: URL
    /// A key with the role `app`; it may name every account, so it stays on your server.
    let key: String

    /// Takes in what is new, or waits for it; call it again and again, after an error with a pause.
    func step(_ mirror: inout Mirror, waitSeconds: Int = 30) async throws {
        let query = [
            URLQueryItem(name: "after", value: mirror.cursor), URLQueryItem(name: "wait", value: "\(waitSeconds)"),
        ]
        let news = url.appending(path: "v1/changes").appending(queryItems: query)
        mirror.apply(try Self.decoder.decode(Page.self, from: try await send("GET", news).body))
        // After a crash just here, the same deliveries are still open: acknowledging twice is fine.
        for id in mirror.open {
            let path = url.appending(path: "v1/grants").appending(path: id).appending(path: "acknowledge")
            let status = try await send("POST", path, alsoFine: 409).status
            // 409: refunded or moved to another account meanwhile, so it must not count.
            mirror.deliveries[id]?.data.status = status == 409 ? "cancelled" : "acknowledged"
        }
    }

    private func send(_ method: String, _ url: URL, alsoFine: Int? = nil) async throws -> (status: Int, body: Data) {
        var request = URLRequest(url: url, timeoutInterval: 60)
        request.httpMethod = method
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        let (body, response) = try await URLSession.shared.data(for: request)
        guard let answer = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        let status = answer.statusCode
        guard status == 200 || status == alsoFine else {
            throw Busy(seconds: answer.value(forHTTPHeaderField: "Retry-After").flatMap { Int($0) } ?? 10)
        }
        return (status, body)
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        return decoder
    }
}
