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
    /// The digest with the secret taken in and nothing else: a copy of it spares every token that work.
    private let keyed: HMAC<SHA256>

    init(secret: [UInt8]) { keyed = HMAC<SHA256>(key: SymmetricKey(data: secret)) }

    func token(for transaction: TransactionID, account: AccountNumber) -> String {
        Base64.url(bytes(of: account) + digest(transaction, account))
    }

    func account(of token: String, for transaction: TransactionID) -> AccountNumber? {
        guard let bytes = Base64.decode(url: token), bytes.count == 24 else { return nil }
        let account = AccountNumber(bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) })
        let expected = digest(transaction, account)
        // Compares without leaving early, so that time tells nothing about the digest.
        let difference = zip(bytes.dropFirst(8), expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? account : nil
    }

    /// A keyed digest of a name, apart from those over transactions by its first word.
    func pseudonym(of name: String) -> String {
        Hexadecimal.text(code(of: Array("vouch-name:\(name)".utf8)))
    }

    private func digest(_ transaction: TransactionID, _ account: AccountNumber) -> [UInt8] {
        code(of: Array("vouch-claim:\(transaction.rawValue):".utf8) + bytes(of: account))
    }

    /// The first 128 bits of the keyed digest.
    private func code(of text: [UInt8]) -> [UInt8] {
        var copy = keyed
        copy.update(data: text)
        return Array(copy.finalize().prefix(16))
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
        guard let bytes = Hexadecimal.bytes(namespace.rawValue.filter { $0 != "-" }) else { return nil }
        var digest = Array(Insecure.SHA1.hash(data: bytes + Array(account.rawValue.utf8)).prefix(16))
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        let text = Hexadecimal.text(digest)
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
            text[
                text.index(
                    text.startIndex, offsetBy: range.lowerBound)..<text.index(
                        text.startIndex, offsetBy: range.upperBound)]
        }
        return AppAccountToken(validating: groups.joined(separator: "-"))
    }
}
