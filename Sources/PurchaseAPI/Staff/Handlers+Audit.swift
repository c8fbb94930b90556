import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/audit`: what people did, newest first.
    func listStaffActions(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["by", "accountId", "cursor", "limit"])
        let who = parameters.value("by", rule: AuditRequest.nameRule, AuditRequest.name)
        let account = parameters.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        let limit = parameters.limit()
        let position = parameters.cursor(PageCursor.position)
        try parameters.check()
        let (actions, next) = try await useCases.staffActions(by: who, of: account, before: position, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("actions", actions) { writer, action in writer.action(action) }
            writer.member("nextCursor", next.map(PageCursor.text(beforePosition:)))
        }
        return .json(writer)
    }
}

/// What a request for the list of actions says, in a query of the API or a form of the console.
package enum AuditRequest {
    private static let nameCharactersMax = 100

    /// The form of a key's name, in words.
    package static let nameRule = "Must be the name of a key, 1 to \(nameCharactersMax) characters."

    /// A key's name; `nil` for a text that is none.
    package static func name(_ text: String) -> String? {
        (1...nameCharactersMax).contains(text.unicodeScalars.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } ? text : nil
    }
}

extension JSONWriter {
    fileprivate mutating func action(_ action: RecordedStaffAction) {
        object { writer in
            writer.member("position", String(action.position))
            writer.member("at", action.at)
            writer.member("who", action.who)
            writer.member("what", action.what.code)
            writer.member("outcome", action.what.outcome?.rawValue)
            writer.member("effect", action.what.effect?.rawValue)
            writer.member("why", action.why)
            writer.member("transactionId", action.transactionID)
            writer.member("accountId", action.accountID)
            writer.member("caseId", action.caseID)
            writer.member("overrideId", action.overrideID)
            writer.member("key", action.entitlementKey)
        }
    }
}

extension RecordedStaffAction.What {
    fileprivate var outcome: ClaimCase.Outcome? {
        switch self {
        case .caseResolved(let outcome): outcome
        case .recheck, .overrideCreated, .overrideEnded, .accountErased: nil
        }
    }

    fileprivate var effect: Override.Effect? {
        switch self {
        case .overrideCreated(let effect), .overrideEnded(let effect): effect
        case .recheck, .caseResolved, .accountErased: nil
        }
    }
}
