import Hummingbird
import PurchaseCore
import PurchaseService

/// Turns requests into calls of the use cases, and their answers into responses; one method per operation.
struct Handlers<Cases: UseCases>: Sendable {
    let useCases: Cases
    let configuration: APIConfiguration
    /// Exports under way.
    let downloads: PaidRecordsDownloads
    /// Ends what takes too long.
    let timeLimiter = TimeLimiter()

    /// Calls the operation's method; those with a body within the time limit.
    func respond(
        to request: Request, _ context: VouchRequestContext, as operation: APIOperation
    ) async throws -> Response {
        switch operation {
        case .postTransaction: try await limited(request, context, postTransaction)
        case .getTransaction: try await getTransaction(request, context)
        case .searchTransactions: try await searchTransactions(request, context)
        case .listTransactionEvidence: try await listTransactionEvidence(request, context)
        case .explainTransaction: try await explainTransaction(request, context)
        case .getOrder: try await getOrder(request, context)
        case .listTransactionEvents: try await listTransactionEvents(request, context)
        case .recheckTransaction: try await limited(request, context, recheckTransaction)
        case .getEntitlements: try await getEntitlements(request, context)
        case .queryEntitlements: try await limited(request, context, queryEntitlements)
        case .listChanges: try await listChanges(request, context)
        case .listGrants: try await listGrants(request, context)
        case .restorePurchases: try await limited(request, context, restorePurchases)
        case .acknowledgeGrant: try await acknowledgeGrant(request, context)
        case .listCases: try await listCases(request, context)
        case .getCase: try await getCase(request, context)
        case .resolveCase: try await limited(request, context, resolveCase)
        case .listOverrides: try await listOverrides(request, context)
        case .createOverride: try await limited(request, context, createOverride)
        case .endOverride: try await limited(request, context, endOverride)
        case .eraseAccount: try await limited(request, context, eraseAccount)
        case .listStaffActions: try await listStaffActions(request, context)
        case .getCoverage: try await getCoverage(request, context)
        case .getAppleHealth: try await getAppleHealth(request, context)
        case .exportPaidRecords: try await exportPaidRecords(request, context)
        case .getRevenue: try await getRevenue(request, context)
        case .postNotification: try await limited(request, context, postNotification)
        case .getLiveness: getLiveness()
        case .getReadiness: try await getReadiness(context)
        case .getOpenAPI: getOpenAPI()
        }
    }

    private func limited(
        _ request: Request, _ context: VouchRequestContext,
        _ operation: @escaping @Sendable (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        try await timeLimiter.run(configuration.requestTimeout, on: context.channel.eventLoop) {
            try await operation(request, context)
        }
    }

    /// A user may name no account but its own; anything else is not there for it.
    func requireAccess(of caller: Caller, to account: AccountID) throws(Problem) {
        guard let own = caller.ownAccount else { return }
        guard own == account else { throw .notFound }
    }
}
