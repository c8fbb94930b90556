import PurchaseCore
import PurchaseService
import Testing

@testable import AppStoreClient

@Suite("Classes of Apple's answers")
struct AppStoreRetryPolicyTests {
    /// Every code of Apple's error list.
    static let codes: [Int64] =
        [
            4_000_000, 4_000_002, 4_000_005, 4_000_006, 4_000_008, 4_000_009, 4_000_010, 4_000_011, 4_000_012,
            4_000_013,
            4_000_014, 4_000_015, 4_000_016, 4_000_017, 4_000_018, 4_000_019, 4_000_020, 4_000_021, 4_000_022,
            4_000_023,
            4_000_024, 4_000_025, 4_000_026, 4_000_027, 4_000_028, 4_000_030, 4_000_031, 4_000_032, 4_000_033,
            4_000_034,
            4_000_035, 4_000_036, 4_000_037, 4_000_038, 4_000_039, 4_000_040, 4_000_041, 4_000_042, 4_000_043,
            4_000_044,
            4_000_047, 4_000_048, 4_000_183, 4_000_185, 4_000_187, 4_000_209, 4_030_004, 4_030_005, 4_030_007,
            4_040_001,
            4_040_002, 4_040_003, 4_040_004, 4_040_005, 4_040_006, 4_040_007, 4_040_008, 4_040_009, 4_040_010,
            4_040_019,
            4_290_000, 5_000_000, 5_000_001,
        ]
        // Retention messaging.
        + [
            4_000_161, 4_000_162, 4_000_163, 4_000_164, 4_000_175, 4_000_211, 4_000_212, 4_000_213, 4_000_215,
            4_000_216,
            4_000_218, 4_000_219, 4_000_224, 4_030_014, 4_030_016, 4_030_017, 4_030_018, 4_030_019, 4_030_026,
            4_040_014,
            4_040_015, 4_040_018, 4_040_020, 4_040_021, 4_090_000, 4_090_001,
        ]

    private static let statuses = [200, 301, 400, 401, 403, 404, 408, 409, 418, 429, 500, 502, 503, 504, 599]

    @Test("Get Transaction Info: every code with every status, each exactly as the table says")
    func table() throws {
        let policy = AppStoreRetryPolicy(notFoundCodes: try #require(endpoint).notFoundCodes)
        for status in Self.statuses {
            for code in Self.codes + [0, -1, .max, .min, 404, 4_040_999] {
                let own = code / 10_000 == Int64(status) ? code : nil
                let expected: AppStoreResponseClass =
                    switch status {
                    case 200: .success
                    case 401: .unauthorized
                    case 429: .throttled
                    case 400 where own == 4_000_006 || own == 4_000_048: .notFound(errorCode: code)
                    case 400: .refused(status: 400, errorCode: own)
                    case 403: .refused(status: 403, errorCode: own)
                    case 404 where own == 4_040_010: .notFound(errorCode: code)
                    case 404 where own == nil || own == 4_040_002 || own == 4_040_004 || own == 4_040_006:
                        .retryLater(.notFoundRetryable(errorCode: own))
                    case 404: .refused(status: 404, errorCode: own)
                    case 500...599: .retryLater(.serverError(status: status, errorCode: own))
                    default: .retryLater(.unexpectedStatus(status))
                    }
                #expect(policy.classify(status: status, errorCode: code) == expected, "\(status) \(code)")
            }
        }
    }

    @Test("Apple's list has the number of codes that its libraries have")
    func complete() {
        #expect(Set(Self.codes).count == Self.codes.count)
        // 87 in the libraries, and two that only the documentation lists.
        #expect(Self.codes.count == 89)
    }

    @Test("without a code the status alone decides, and never says not found")
    func statusAlone() throws {
        let policy = AppStoreRetryPolicy(notFoundCodes: try #require(endpoint).notFoundCodes)
        for status in 100...599 {
            let meaning = policy.classify(status: status, errorCode: nil)
            if case .notFound = meaning { Issue.record("\(status) alone must not be definitive") }
            #expect((meaning == .success) == (status == 200))
            #expect((meaning == .unauthorized) == (status == 401))
        }
    }

    @Test(
        "a body's code is read only from Apple's JSON",
        arguments: [
            (#"{"errorCode":4040010,"errorMessage":"Transaction id not found."}"#, Int64?.some(4_040_010)),
            (#"{"errorCode":4040010}"#, 4_040_010),
            (#"  {"errorCode": 4040010.0, "more": [1]} "#, 4_040_010),
            (#"{"errorCode":"4040010"}"#, nil),
            (#"{"errorCode":4040010.5}"#, nil),
            (#"{"errorCode":null}"#, nil),
            (#"{"errorMessage":"x"}"#, nil),
            (#"[4040010]"#, nil),
            ("4040010", nil),
            (#"{"errorCode":4040010"#, nil),
            ("<html>404 4040010</html>", nil),
            ("Unauthenticated\n", nil),
            ("", nil),
        ] as [(String, Int64?)])
    func bodies(text: String, code: Int64?) {
        #expect(ErrorPayload.code(in: .complete(Array(text.utf8)), status: 404) == code)
        #expect(ErrorPayload.code(in: .complete(Array(text.utf8)), status: 200) == nil)
        #expect(ErrorPayload.code(in: .cut, status: 404) == nil)
        #expect(ErrorPayload.code(in: .tooLarge, status: 404) == nil)
    }

    private var endpoint: AppStoreEndpoint? { .transactionInfo(TransactionID("2000000123456789")) }
}
