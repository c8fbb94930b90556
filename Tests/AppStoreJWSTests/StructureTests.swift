import AppStoreJWS
import Crypto
import Foundation
import PurchaseCore
import Testing

@Suite("Algorithm tricks")
struct AlgorithmTests {
    @Test(
        "another alg is refused, whoever signed",
        arguments: [
            "none", "None", "HS256", "RS256", "PS256", "ES384", "ES512", "ES256K", "es256", "ES256 ", "",
        ])
    func otherAlgorithm(alg: String) async throws {
        let chain = try MintedChain()
        let result = try await chain.verifier().verifyTransaction(
            try chain.jws(header: chain.header(alg: alg)), now: Moment.now)
        #expect(result.failure == .algorithmNotES256)
    }

    @Test("alg none with an empty signature is refused")
    func none() async throws {
        let chain = try MintedChain()
        let parts = try chain.jws(header: chain.header(alg: "none")).split(separator: ".")
        let result = try await chain.verifier().verifyTransaction("\(parts[0]).\(parts[1]).", now: Moment.now)
        #expect(result.failure == .algorithmNotES256)
    }

    @Test("alg that isn't a string is refused", arguments: ["null", "[\"ES256\"]", "256", "{}", "true"])
    func oddAlgorithm(value: String) async throws {
        let chain = try MintedChain()
        let header = try chain.header().replacingOccurrences(of: "\"ES256\"", with: value)
        let result = try await chain.verifier().verifyTransaction(try chain.jws(header: header), now: Moment.now)
        #expect(result.failure == .algorithmNotES256)
    }

    @Test("a DER-encoded signature is refused")
    func derSignature() async throws {
        let chain = try MintedChain()
        let parts = try chain.jws().split(separator: ".")
        let input = "\(parts[0]).\(parts[1])"
        let encoded = try chain.leafKey.signature(for: Data(input.utf8)).derRepresentation
        let result = try await chain.verifier().verifyTransaction(input + "." + base64URL(encoded), now: Moment.now)
        #expect(result.failure == .signatureNotRaw)
    }

    @Test("a signature of another length is refused", arguments: [0, 1, 63, 65, 96, 128])
    func length(count: Int) async throws {
        let chain = try MintedChain()
        let parts = try chain.jws().split(separator: ".")
        let signature = base64URL([UInt8](repeating: 7, count: count))
        let result = try await chain.verifier().verifyTransaction(
            "\(parts[0]).\(parts[1]).\(signature)", now: Moment.now)
        #expect(result.failure == .signatureNotRaw)
    }

    @Test("r and s of nothing, or of everything, are refused", arguments: [UInt8(0), UInt8(0xFF)])
    func degenerate(byte: UInt8) async throws {
        let chain = try MintedChain()
        let parts = try chain.jws().split(separator: ".")
        let signature = base64URL([UInt8](repeating: byte, count: 64))
        let result = try await chain.verifier().verifyTransaction(
            "\(parts[0]).\(parts[1]).\(signature)", now: Moment.now)
        #expect(result.failure == .signatureMismatch)
    }

    @Test("keys and pointers to keys in the header are ignored")
    func pointers() async throws {
        let chain = try MintedChain()
        let other = try MintedChain(ChainRecipe(foreign: true))
        let key = other.leafKey.publicKey.rawRepresentation
        let jwk =
            #","jwk":{"kty":"EC","crv":"P-256","x":"\#(base64URL(key.prefix(32)))","y":"\#(base64URL(key.suffix(32)))"}"#
        let extra = jwk + #","kid":"1","jku":"https://example.test/keys","x5u":"https://example.test/c""#
        let header = try chain.header(extra: extra)
        #expect(
            try await chain.verifier().verifyTransaction(try chain.jws(header: header), now: Moment.now).verified != nil
        )
        let forged = try other.jws(header: header)
        #expect(try await chain.verifier().verifyTransaction(forged, now: Moment.now).failure == .signatureMismatch)
    }

    @Test("critical header members are refused")
    func critical() async throws {
        let chain = try MintedChain()
        let header = try chain.header(extra: #","crit":["exp"],"exp":1"#)
        let result = try await chain.verifier().verifyTransaction(try chain.jws(header: header), now: Moment.now)
        #expect(result.failure == .headerCritical)
    }
}

@Suite("Malformed structure")
struct StructureTests {
    @Test("one, two, four and five segments", arguments: [1, 2, 4, 5])
    func segments(count: Int) async throws {
        let chain = try MintedChain()
        let parts = try chain.jws().split(separator: ".").map(String.init) + ["AAAA", "AAAA"]
        let result = try await chain.verifier().verifyTransaction(
            parts.prefix(count).joined(separator: "."), now: Moment.now)
        #expect(result.failure == .segmentCount)
    }

    @Test("nothing, dots and a lone header", arguments: ["", ".", "..", "...", " ", "a..", "\u{0}"])
    func nothing(text: String) async throws {
        let result = try await MintedChain().verifier().verifyTransaction(text, now: Moment.now)
        #expect(result.failure?.refusal == .malformedEvidence)
    }

    /// Each of these reads as the same bytes to a lenient decoder.
    @Test("padding, white space, the other alphabet and foreign characters in any segment", arguments: [0, 1, 2])
    func decorations(position: Int) async throws {
        let chain = try MintedChain()
        let parts = try chain.jws().split(separator: ".").map(String.init)
        for decoration in ["=", "==", "\n", "\r\n", " ", "\t", "+", "/", "%", "é", "\u{212A}", "\u{0}"] {
            for prefix in [true, false] {
                var changed = parts
                changed[position] = prefix ? decoration + changed[position] : changed[position] + decoration
                let result = try await chain.verifier().verifyTransaction(
                    changed.joined(separator: "."), now: Moment.now)
                #expect(result.failure == .notBase64URL, "segment \(position), \(decoration.debugDescription)")
            }
        }
    }

    @Test("white space around the whole is refused", arguments: ["\n", " ", "\t", "\u{FEFF}"])
    func surroundings(space: String) async throws {
        let chain = try MintedChain()
        let jws = try chain.jws()
        for text in [space + jws, jws + space] {
            #expect(try await chain.verifier().verifyTransaction(text, now: Moment.now).failure == .notBase64URL)
        }
    }

    @Test("bits after the signature's last byte must be zero: the text can't be varied")
    func danglingBits() async throws {
        let chain = try MintedChain()
        let jws = try chain.jws()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        // 64 bytes end in two characters, the last of which carries four bits that mean nothing.
        let final = try #require(jws.last)
        let last = try #require(alphabet.firstIndex(of: final))
        #expect(last.isMultiple(of: 16))
        for variant in alphabet[(last + 1)..<(last + 16)] {
            let result = try await chain.verifier().verifyTransaction(jws.dropLast() + String(variant), now: Moment.now)
            #expect(result.failure == .notBase64URL)
        }
    }

    @Test("two megabytes are refused without being read", arguments: ["a", "."])
    func tooLarge(character: String) async throws {
        let text = String(repeating: character, count: 2 * 1_024 * 1_024)
        let result = try await MintedChain().verifier().verifyTransaction(text, now: Moment.now)
        #expect(result.failure == .tooLarge)
    }

    @Test("a header larger than any is refused")
    func largeHeader() async throws {
        let chain = try MintedChain()
        let header = try chain.header(extra: #","note":"\#(String(repeating: "x", count: 40_000))""#)
        let result = try await chain.verifier().verifyTransaction(try chain.jws(header: header), now: Moment.now)
        #expect(result.failure == .headerSize)
    }

    @Test(
        "a header that isn't one strict JSON object",
        arguments: [
            "", "null", "[]", "\"ES256\"", "{", "{}x", "{\"alg\":\"ES256\",}", "{'alg':'ES256'}",
            "{\"alg\":\"ES256\"}{}",
            "\u{FEFF}{}", "{\"alg\":NaN}",
        ])
    func header(text: String) async throws {
        let chain = try MintedChain()
        let failure = try await chain.verifier().verifyTransaction(try chain.jws(header: text), now: Moment.now).failure
        // An empty segment is found before JSON is.
        #expect(failure == (text.isEmpty ? .headerSize : .headerMalformed))
    }

    @Test(
        "a name twice in the header is refused, also in another spelling",
        arguments: [
            #","alg":"ES256""#, #","alg":"none""#, #","\u0061lg":"ES256""#, #","x5c":[]"#,
        ])
    func duplicateHeader(extra: String) async throws {
        let chain = try MintedChain()
        let result = try await chain.verifier().verifyTransaction(
            try chain.jws(header: chain.header(extra: extra)), now: Moment.now)
        #expect(result.failure == .headerDuplicateName)
    }

    @Test("deep nesting ends as malformed, in header and payload", arguments: [20, 10_000])
    func nesting(depth: Int) async throws {
        let chain = try MintedChain()
        let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let header = try chain.header(extra: #","deep":\#(deep)"#)
        #expect(
            try await chain.verifier().verifyTransaction(try chain.jws(header: header), now: Moment.now).failure
                == .headerMalformed)
        let payload = Payload.transaction(adding: [#""deep":\#(deep)"#])
        #expect(
            try await chain.verifier().verifyTransaction(try chain.jws(payload), now: Moment.now).failure
                == .payloadMalformed)
    }

    @Test(
        "x5c that isn't a list of base64 texts",
        arguments: [
            ("null", VerificationFailureCode.x5cMissing), ("\"AAAA\"", .x5cMissing), ("{}", .x5cMissing),
            ("[]", .certificateCount), ("[1,2,3]", .certificateMalformed), ("[\"\",\"\",\"\"]", .certificateMalformed),
            ("[\"AAAA\",\"AAAA\",\"AAAA\"]", .certificateMalformed),
            ("[\"-_-_\",\"AAAA\",\"AAAA\"]", .certificateMalformed),
            ("[\"AAA\",\"AAAA\",\"AAAA\"]", .certificateMalformed),
        ])
    func x5c(value: String, code: VerificationFailureCode) async throws {
        let chain = try MintedChain()
        let result = try await chain.verifier().verifyTransaction(
            try chain.jws(header: #"{"alg":"ES256","x5c":\#(value)}"#), now: Moment.now)
        #expect(result.failure == code)
    }

    @Test("certificates in base64url or with line breaks are refused")
    func certificateAlphabet() async throws {
        let chain = try MintedChain()
        let certificates = try chain.x5c
        let url = certificates.map { "\"\(base64URL($0))\"" }.joined(separator: ",")
        let lines = certificates.map { "\"\(Data($0).base64EncodedString(options: .lineLength64Characters))\"" }
            .joined(separator: ",").replacingOccurrences(of: "\r\n", with: "\\n")
        for list in [url, lines] {
            let jws = try chain.jws(header: #"{"alg":"ES256","x5c":[\#(list)]}"#)
            #expect(try await chain.verifier().verifyTransaction(jws, now: Moment.now).failure == .certificateMalformed)
        }
    }
}
