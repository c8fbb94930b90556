import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/transactions/{transactionId}/explanation`: why, what it waits for, and what to tell the customer.
    func explainTransaction(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["accountId"])
        let id = parameters.transactionID()
        let account = parameters.value("accountId", rule: AccountRule.text) { AccountID(validating: $0) }
        try parameters.check()
        let explanation = try await useCases.explanation(of: id, seenFrom: account)
        var writer = JSONWriter()
        writer.explanation(explanation, seenFrom: account)
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func explanation(_ explanation: Explanation, seenFrom account: AccountID?) {
        let view = explanation.view
        object { writer in
            writer.member("transactionId", view.transaction.id)
            writer.member("accountId", account ?? view.accountID)
            writer.member("state", view.transaction.state.name.rawValue)
            writer.member("reason", view.transaction.state.reasonCode)
            writer.member("refusal", view.transaction.refusal?.rawValue)
            writer.member("entitled", view.isEntitled)
            writer.member("entitlementReason", view.entitlementReason.rawValue)
            writer.member("claimStatus", view.claim?.status.rawValue)
            writer.member("customer") { writer in writer.object { $0.members(of: explanation.customer) } }
            writer.member("summary", explanation.summary) { writer, phrase in writer.object { $0.members(of: phrase) } }
            writer.member("facts", explanation.facts) { writer, phrase in writer.dated(phrase) }
            writer.member("rules", explanation.rules) { writer, rule in
                writer.object { writer in
                    writer.members(of: rule.sentence)
                    writer.member("at", rule.sentence.at)
                    writer.member("chainVersion", rule.chainVersion)
                    writer.member("actor", rule.actor)
                }
            }
            writer.member("waitsFor", explanation.waitsFor) { writer, phrase in writer.dated(phrase) }
            writer.member("nextCheckAt", view.nextCheckAt)
            writer.member("wouldChange", explanation.wouldChange) { writer, phrase in
                writer.object { $0.members(of: phrase) }
            }
        }
    }

    private mutating func dated(_ phrase: Phrase) {
        object { writer in
            writer.members(of: phrase)
            writer.member("at", phrase.at)
        }
    }

    private mutating func members(of phrase: Phrase) {
        member("code", phrase.code)
        member("text", phrase.text)
        member("parameters") { writer in
            writer.object { writer in
                for (name, value) in phrase.parameters.sorted(by: { $0.key < $1.key }) {
                    writer.member(named: name) { $0.parameter(value) }
                }
            }
        }
    }

    private mutating func parameter(_ value: PhraseValue) {
        switch value {
        case .text(let text): self.value(text)
        case .number(let number): self.value(number)
        case .instant(let instant), .day(let instant): self.value(instant)
        }
    }
}
