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
                Issue.record("a change at \(position) of \(bytes.count) survives")
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
                Issue.record("a change at \(position) of \(bytes.count) survives")
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
                Issue.record("a flipped bit in byte \(position) of x5c[\(which)] survives")
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

    @Test("the one freedom of ECDSA: the other half of a signature is as good, and says nothing else")
    func malleability() async throws {
        let chain = try MintedChain()
        let verifier = try chain.verifier()
        let jws = try chain.jws()
        let parts = jws.split(separator: ".")
        let signature = try chain.signature(over: "\(parts[0]).\(parts[1])")
        // The order of P-256's group; s becomes order − s.
        let order: [UInt8] =
            [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
            + [0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51]
        var twin = signature
        var borrow = 0
        for index in (0..<32).reversed() {
            let difference = Int(order[index]) - Int(signature[32 + index]) - borrow
            borrow = difference < 0 ? 1 : 0
            twin[32 + index] = UInt8(truncatingIfNeeded: difference)
        }
        let first = "\(parts[0]).\(parts[1]).\(base64URL(signature))"
        let second = "\(parts[0]).\(parts[1]).\(base64URL(twin))"
        let one = try #require(await verifier.verifyTransaction(first, now: Moment.now).verified)
        let other = try #require(await verifier.verifyTransaction(second, now: Moment.now).verified)
        #expect(one.claims == other.claims)
        #expect(one.sha256 != other.sha256)
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
