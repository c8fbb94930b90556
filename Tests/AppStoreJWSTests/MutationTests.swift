import PurchaseCore
import Testing

@testable import AppStoreJWS

@Suite("No change of a byte survives")
struct MutationTests {
    private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// A text with one character of the alphabet changed to another one.
    private func flipped(
        _ bytes: [UInt8], at position: Int, using generator: inout SeededGenerator
    ) -> String {
        var bytes = bytes
        let old = bytes[position]
        bytes[position] = alphabet.filter { $0 != old }.randomElement(using: &generator) ?? 0
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("each character of payload and signature, with the chain cached")
    func payloadAndSignature() async throws {
        var generator = SeededGenerator.announced("payload and signature")
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let bytes = Array(try chain.jws().utf8)
        let header = try #require(bytes.firstIndex(of: UInt8(ascii: ".")))
        #expect(
            await verifier.verifyTransaction(String(decoding: bytes, as: UTF8.self), now: Moment.now).verified != nil)
        for position in header..<bytes.count {
            let result = await verifier.verifyTransaction(
                flipped(bytes, at: position, using: &generator), now: Moment.now)
            guard case .invalid = result else {
                Issue.record("a change at \(position) of \(bytes.count) is \(result)")
                return
            }
        }
    }

    @Test("characters all over the header, so in every part of the certificates")
    func header() async throws {
        var generator = SeededGenerator.announced("header")
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let bytes = Array(try chain.jws().utf8)
        let header = try #require(bytes.firstIndex(of: UInt8(ascii: ".")))
        let positions = (0..<header).shuffled(using: &generator).prefix(600)
        for position in positions {
            let result = await verifier.verifyTransaction(
                flipped(bytes, at: position, using: &generator), now: Moment.now)
            guard case .invalid = result else {
                Issue.record("a change at \(position) of \(bytes.count) is \(result)")
                return
            }
        }
        #expect(verifier.chainCache.count == 0)
    }

    @Test("bits all over the DER of the certificates, under a header that is signed anew")
    func certificates() async throws {
        var generator = SeededGenerator.announced("certificates")
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let genuine = try chain.x5c
        for _ in 0..<400 {
            var certificates = genuine
            let which = Int.random(in: 0..<3, using: &generator)
            let position = Int.random(in: 0..<certificates[which].count, using: &generator)
            certificates[which][position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let jws = try chain.jws(header: chain.header(x5c: certificates))
            let result = await verifier.verifyTransaction(jws, now: Moment.now)
            guard case .invalid = result else {
                Issue.record("a flipped bit in byte \(position) of x5c[\(which)] is \(result)")
                return
            }
        }
    }

    @Test("cut, doubled and shuffled pieces")
    func pieces() async throws {
        var generator = SeededGenerator.announced("pieces")
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let bytes = Array(try chain.jws().utf8)
        let genuine = String(decoding: bytes, as: UTF8.self)
        for _ in 0..<400 {
            var changed = bytes
            let start = Int.random(in: 0..<changed.count, using: &generator)
            let end = min(changed.count, start + Int.random(in: 1...400, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: changed.removeSubrange(start..<end)
            case 1: changed.insert(contentsOf: changed[start..<end], at: start)
            case 2: changed.replaceSubrange(start..<end, with: changed[start..<end].shuffled(using: &generator))
            default:
                changed.replaceSubrange(
                    start..<end, with: (start..<end).map { _ in UInt8.random(in: 0...127, using: &generator) })
            }
            let text = String(decoding: changed, as: UTF8.self)
            guard text != genuine else { continue }
            guard case .invalid = await verifier.verifyTransaction(text, now: Moment.now) else {
                Issue.record("pieces verify")
                return
            }
        }
    }

    @Test("random garbage of every kind ends as malformed or refused")
    func garbage() async throws {
        var generator = SeededGenerator.announced("garbage")
        let verifier = try MintedChain().verifier()
        let jsonCharacters = Array(#"{}[]":,\u0129eE+-.truefalsn "#.utf8)
        for _ in 0..<2_000 {
            let segments = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                let count = Int.random(in: 0...200, using: &generator)
                let raw = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let json = (0..<count).compactMap { _ in jsonCharacters.randomElement(using: &generator) }
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: return String(decoding: raw, as: UTF8.self)
                case 1: return base64URL(raw)
                case 2: return base64URL(json)
                default: return base64URL(Array(#"{"alg":"ES256","x5c":["#.utf8) + json)
                }
            }
            guard case .invalid = await verifier.verifyTransaction(segments.joined(separator: "."), now: Moment.now)
            else {
                Issue.record("garbage verifies")
                return
            }
        }
    }
}
