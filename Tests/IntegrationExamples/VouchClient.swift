import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What Vouch says about a posted purchase; only `finish` is in every answer.
struct Verdict: Decodable, Sendable {
    /// Whether the StoreKit transaction may be finished now.
    var finish: Bool
    var state: String?
    var entitled: Bool?
    // Of a problem: `transaction-claimed`, `transaction-refused`, …
    var code: String?
    var refusal: String?
    var caseId: String?
}

struct VouchClient: Sendable {
    /// Of your own server, for example https://vouch.example.com.
    let url: URL
    /// A key with the role `device`, which may ship inside the app: it reads no account; or the user's token.
    let key: String
    /// Whether it is a user's token, which is good for that user's own account; a post for any other is a 404.
    var isUserToken = false
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Posts a purchase until the answer is final; nil when that takes too long, then let StoreKit bring it again.
    func settle(_ signedTransaction: String, for accountID: String, attempts: Int = 5) async throws -> Verdict? {
        for attempt in 1...attempts {
            var wait = 1 << attempt
            do {
                let (status, retryAfter, body) = try await post(signedTransaction, for: accountID)
                // 202: Apple is still being asked. The others: Vouch is busy. The same post is safe, and right, again.
                guard [202, 429, 500, 503].contains(status) else {
                    return try JSONDecoder().decode(Verdict.self, from: body)
                }
                wait = retryAfter ?? wait
            } catch is URLError {
                // No network: nobody knows whether it arrived, and that does not matter. Post it again.
            }
            if attempt < attempts { try await pause(.seconds(wait)) }
        }
        return nil
    }

    private func post(_ signedTransaction: String, for accountID: String) async throws -> (Int, Int?, Data) {
        var request = URLRequest(url: url.appending(path: "v1/transactions"), timeoutInterval: 30)
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = try JSONEncoder().encode(["accountId": accountID, "signedTransaction": signedTransaction])
        let (body, response) = try await URLSession.shared.data(for: request)
        guard let answer = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return (answer.statusCode, answer.value(forHTTPHeaderField: "Retry-After").flatMap { Int($0) }, body)
    }
}
