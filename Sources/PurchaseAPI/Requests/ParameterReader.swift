import HTTPTypes
import Hummingbird
import PurchaseCore

/// Reads path, query and header parameters, and gathers what is wrong with them.
struct ParameterReader: FieldReader {
    /// The contract's bounds of `limit`.
    private static let limitRange = 1...200
    private static let limitDefault = 100

    private let parameters: Parameters
    private let headers: HTTPFields
    private var query: [(name: String, value: String)] = []
    private(set) var faults = Faults()

    /// Takes the request apart; query parameters other than `allowed` are faults, and so are repeated ones.
    init(_ request: Request, _ context: VouchRequestContext, query allowed: [String] = []) {
        self.parameters = context.parameters
        self.headers = request.headers
        for item in (request.uri.query ?? "").split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = PercentEncoding.decode(parts[0]) ?? String(parts[0])
            guard allowed.contains(name) else {
                let known = allowed.isEmpty ? "There are none here." : "Known are \(allowed.joined(separator: ", "))."
                faults.add(query: name, "Is unknown; leave it out. " + known)
                continue
            }
            guard !query.contains(where: { $0.name == name }) else {
                faults.add(query: name, "Is there twice; send it once.")
                continue
            }
            guard let value = PercentEncoding.decode(parts.count > 1 ? parts[1] : "") else {
                faults.add(query: name, "Is not percent-encoded UTF-8.")
                continue
            }
            query.append((name, value))
        }
    }

    /// Throws a 400 that lists the faults found here and in a body.
    func check(with body: Faults = Faults()) throws(Problem) {
        let all = faults.items + body.items
        guard all.isEmpty else { throw .invalidRequest(all) }
    }

    /// The path's `transactionId`; on a fault a value that ``check(with:)`` keeps from being used.
    mutating func transactionID() -> TransactionID {
        path("transactionId", rule: "Must be 1 to 32 digits.") { TransactionID(validating: $0) } ?? TransactionID("")
    }

    /// The path's `accountId`; on a fault a value that ``check(with:)`` keeps from being used.
    mutating func accountID() -> AccountID {
        path("accountId", rule: AccountRule.text) { AccountID(validating: $0) } ?? AccountID("")
    }

    /// The path's grant id; on a fault a value that ``check(with:)`` keeps from being used.
    mutating func grantID() -> GrantID {
        path("id", rule: "Must be 1 to 200 of A-Z a-z 0-9 . _ : -.") { Syntax.isOpaqueID($0) ? GrantID($0) : nil }
            ?? GrantID("")
    }

    /// The path's case id; on a fault a value that ``check(with:)`` keeps from being used.
    mutating func caseID() -> CaseID {
        path("id", rule: "Must be 1 to 200 of A-Z a-z 0-9 . _ : -.") { Syntax.isOpaqueID($0) ? CaseID($0) : nil }
            ?? CaseID("")
    }

    /// The path's `orderId`; on a fault a value that ``check(with:)`` keeps from being used.
    mutating func orderID() -> OrderID {
        path("orderId", rule: "Must be 1 to 64 letters and digits.") { OrderID(validating: $0) } ?? OrderID("")
    }

    private mutating func path<Value>(_ name: String, rule: String, _ convert: (String) -> Value?) -> Value? {
        let raw = parameters.get(name) ?? ""
        guard let value = PercentEncoding.decode(raw[...]).flatMap(convert) else {
            faults.add(path: name, rule)
            return nil
        }
        return value
    }

    /// The text of a query parameter as another type; a fault when `convert` gives `nil`, or when a required one is absent.
    mutating func value<Value>(
        _ name: String, isRequired: Bool, rule: String, _ convert: (String) -> Value?
    ) -> Value? {
        guard let text = query.first(where: { $0.name == name })?.value else {
            if isRequired { faults.add(query: name, "Is missing; it is required. " + rule) }
            return nil
        }
        guard let value = convert(text) else {
            faults.add(query: name, rule)
            return nil
        }
        return value
    }

    /// Adds a fault of a query parameter.
    mutating func blame(_ name: String, _ detail: String) { faults.add(query: name, detail) }

    /// The query's `limit`, or its default.
    mutating func limit() -> Int { number("limit", in: Self.limitRange, default: Self.limitDefault) }

    /// A whole number of the query, digits alone, or its default.
    mutating func number<Value: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Value>, default standard: Value
    ) -> Value {
        guard let text = query.first(where: { $0.name == name })?.value else { return standard }
        let digits = text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Value(text) : nil
        guard let number = digits, range.contains(number) else {
            faults.add(query: name, "Must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            return standard
        }
        return number
    }

    /// The query's `cursor`, as `convert` reads it; `nil` for the first page.
    mutating func cursor<Value>(_ convert: (String) -> Value?) -> Value? {
        guard let text = query.first(where: { $0.name == "cursor" })?.value else { return nil }
        guard let cursor = convert(text) else {
            faults.add(query: "cursor", "Must be the nextCursor of an earlier page of this list.")
            return nil
        }
        return cursor
    }

    /// The header that proves a claim; `nil` when it isn't there.
    mutating func claimToken() -> String? {
        guard let token = headers[.claimToken] else { return nil }
        guard Syntax.isToken(token, maximumBytes: 256, also: "._-") else {
            faults.add(header: "Vouch-Claim-Token", "Must be the claimToken of an answer to a posted transaction.")
            return nil
        }
        return token
    }
}

/// The form of account ids, in words.
package enum AccountRule {
    /// For a person who sent another one.
    package static let text = "Must be 1 to 128 of A-Z a-z 0-9 . _ : @ ~ - |, and neither . nor .. alone."
}
