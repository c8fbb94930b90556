import Crypto
import PurchaseCore
import PurchaseService
import PurchaseStore

extension VouchStack {
    /// The computations of the use cases that need cryptography; claim tokens are signed with a secret of the database.
    static func cryptography(_ settings: Settings, _ store: LedgerStore) async throws -> ServiceCryptography {
        let claims = ClaimTokens(secret: try await store.secret(named: "claim-token"))
        let namespace = settings.entitling.accountTokenNamespace
        return ServiceCryptography(
            sha256: { Array(SHA256.hash(data: $0)) },
            accountToken: { AccountNamespace.ruleToken(of: $0, namespace: namespace) },
            claimToken: { claims.token(for: $0, account: $1) }, claimant: { claims.account(of: $0, for: $1) },
            pseudonym: { claims.pseudonym(of: $0) })
    }
}

/// Tokens that let a device read back what it posted: the account's number and a keyed digest over it and the transaction.
///
/// 24 bytes in base64url: 8 of the number, 16 of HMAC-SHA256. Nothing is stored, and nothing can be guessed.
struct ClaimTokens: Sendable {
    private let secret: SymmetricKey

    init(secret: [UInt8]) { self.secret = SymmetricKey(data: secret) }

    func token(for transaction: TransactionID, account: AccountNumber) -> String {
        Base64URL.text(bytes(of: account) + Array(digest(transaction, account).prefix(16)))
    }

    func account(of token: String, for transaction: TransactionID) -> AccountNumber? {
        guard let bytes = Base64URL.bytes(token), bytes.count == 24 else { return nil }
        let account = AccountNumber(bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) })
        let expected = digest(transaction, account).prefix(16)
        // Compares without leaving early, so that time tells nothing about the digest.
        let difference = zip(bytes.dropFirst(8), expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? account : nil
    }

    /// A keyed digest of a name, apart from those over transactions by its first word.
    func pseudonym(of name: String) -> String {
        HMAC<SHA256>.authenticationCode(for: Array("vouch-name:\(name)".utf8), using: secret).prefix(16)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func digest(_ transaction: TransactionID, _ account: AccountNumber) -> [UInt8] {
        let text = Array("vouch-claim:\(transaction.rawValue):".utf8) + bytes(of: account)
        return Array(HMAC<SHA256>.authenticationCode(for: text, using: secret))
    }

    private func bytes(of account: AccountNumber) -> [UInt8] {
        withUnsafeBytes(of: account.rawValue.bigEndian) { Array($0) }
    }
}

/// UUIDs of version 5 (RFC 9562, section 5.5) in the configured namespace.
enum AccountNamespace {
    /// The token that an account has by rule: its own UUID, or one derived in the namespace, if there is one.
    static func ruleToken(of account: AccountID, namespace: AppAccountToken?) -> AppAccountToken? {
        if let own = AppAccountToken(validating: account.rawValue) { return own }
        return namespace.flatMap { token(of: account, in: $0) }
    }

    static func token(of account: AccountID, in namespace: AppAccountToken) -> AppAccountToken? {
        let digits = namespace.rawValue.filter { $0 != "-" }
        var bytes: [UInt8] = []
        var index = digits.startIndex
        while index < digits.endIndex {
            let next = digits.index(index, offsetBy: 2)
            guard let byte = UInt8(digits[index..<next], radix: 16) else { return nil }
            bytes.append(byte)
            index = next
        }
        var digest = Array(Insecure.SHA1.hash(data: bytes + Array(account.rawValue.utf8)).prefix(16))
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        let text = digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
            text[
                text.index(
                    text.startIndex, offsetBy: range.lowerBound)..<text.index(
                        text.startIndex, offsetBy: range.upperBound)]
        }
        return AppAccountToken(validating: groups.joined(separator: "-"))
    }
}

/// Base64url without padding (RFC 4648, section 5), for short tokens.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for position in 0...group.count {
                text.append(alphabet[Int(bits >> UInt32(18 - 6 * position) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in text.utf8 {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }
}
