import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/transactions/{transactionId}/evidence`: the signed proof, the newest first.
    func listTransactionEvidence(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(request, context, query: ["cursor", "limit"])
        let id = parameters.transactionID()
        // An item has some 10 KB, and verifying it takes a millisecond.
        let limit = parameters.number("limit", in: 1...50, default: 20)
        let item = parameters.cursor(PageCursor.evidence)
        try parameters.check()
        let (items, next) = try await useCases.evidence(of: id, after: item, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("evidence", items) { writer, item in writer.proof(item) }
            writer.member("nextCursor", next.map { PageCursor.text($0) })
        }
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func proof(_ item: EvidenceView) {
        let evidence = item.evidence
        object { writer in
            writer.member("sha256", evidence.id.sha256)
            writer.member("source", evidence.id.source.rawValue)
            writer.member("standing", item.standing.rawValue)
            writer.member("transactionId", evidence.facts.transactionID)
            writer.member("environment", evidence.facts.environment.rawValue)
            writer.member("notificationType", evidence.notificationType)
            writer.member("signedDate", evidence.facts.signedDate)
            writer.member("seenAt", evidence.seenAt)
            writer.member("revocationDate", evidence.facts.revocationDate)
            writer.member("position", item.position.map { String($0) })
            writer.member("jws", item.jws)
            writer.member("certificates", item.certificates) { writer, certificate in
                writer.object { writer in
                    writer.member("subject", certificate.subject)
                    writer.member("issuer", certificate.issuer)
                    writer.member("serialNumber", certificate.serialNumber)
                    writer.member("notBefore", certificate.notBefore)
                    writer.member("notAfter", certificate.notAfter)
                }
            }
            writer.member("verification", item.verification) { writer, verification in
                writer.member("result", verification.result)
                writer.member("steps", verification.steps) { writer, step in
                    writer.object { writer in
                        writer.member("step", step.name)
                        writer.member("result", step.result)
                        writer.member("detail", String(step.detail.prefix(500)))
                    }
                }
            }
        }
    }
}
