import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `POST /v1/entitlements/query`: what each of many accounts may use, in the order asked.
    func queryEntitlements(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let parameters = ParameterReader(request, context)
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        var reader = PropertyReader(object)
        let accounts = reader.distinctValues("accountIds", maximum: 100, rule: AccountRule.text) {
            AccountID(validating: $0)
        }
        reader.finish()
        try parameters.check(with: reader.faults)
        let entitlements = try await useCases.entitlements(ofEach: accounts)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("accounts", accounts) { writer, account in
                writer.object { writer in
                    writer.member("accountId", account)
                    writer.member("entitlements", entitlements[account] ?? []) { writer, view in
                        writer.entitlement(view)
                    }
                }
            }
        }
        return .json(writer)
    }
}
