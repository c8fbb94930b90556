import AppStoreClient
import AsyncHTTPClient
import PurchaseCore
import UserTokens

/// Brings the identity provider's keys, from a file or over HTTP, as they are.
struct UserKeyReader: Sendable {
    /// The longest that a fetch takes; less than ``UserTokens/UserTokenChecker/waitMax``.
    static let deadline = Duration.seconds(5)

    private let source: UserSettings.KeySource
    private let fetcher: DocumentFetcher

    /// The client is shut down by its owner.
    init(_ source: UserSettings.KeySource, httpClient: HTTPClient, time: ClientTime) {
        self.source = source
        fetcher = DocumentFetcher(
            httpClient: httpClient, version: Vouch.version, time: time, bytesMax: KeySet.bytesMax,
            deadline: Self.deadline)
    }

    /// The JSON Web Key Set; throws `unreachable`, `status` and `tooLarge`.
    func read() async throws(KeySetFault) -> [UInt8] {
        switch source {
        case .file(let path): return try Self.read(file: path)
        case .url(let url):
            do throws(DocumentFetchError) {
                return try await fetcher.fetch(url, accepting: "application/jwk-set+json, application/json")
            } catch {
                switch error {
                case .unreachable: throw .unreachable
                case .status: throw .status
                case .tooLarge: throw .tooLarge
                }
            }
        }
    }

    /// A file's bytes.
    static func read(file path: String) throws(KeySetFault) -> [UInt8] {
        // The name of standard input, which can't be read twice.
        guard path != "-" else { throw .unreachable }
        do throws(InputFile.Fault) {
            return try InputFile.read(path, bytesMax: KeySet.bytesMax)
        } catch {
            if case .tooLarge = error { throw .tooLarge }
            throw .unreachable
        }
    }
}
