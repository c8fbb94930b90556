import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var itemsPerPage: Int { 20 }

    /// `GET /console/transactions/{transactionId}/evidence`: certificates and steps, checked again at this moment.
    func evidence(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("transactionId") { TransactionID(validating: $0) }
        var reader = FormReader(visit.fields, known: ["cursor"])
        let place = reader.cursor(PageCursor.evidence)
        try reader.check()
        let (items, next) = try await useCases.evidence(of: id, after: place, limit: Self.itemsPerPage)
        let more = next.map {
            ConsoleAddress.with(ConsoleAddress.evidence(of: id), query: [("cursor", PageCursor.text($0))])
        }
        let content = EvidenceContent(
            transaction: ShownLink(id), items: items.map { EvidenceItem($0, of: id) }, next: more)
        return page(.evidence, "Proof of \(id.rawValue)", content, visit)
    }

    /// `GET …/evidence/{source}/{sha256}`: the JWS as Apple signed it, to keep or to check elsewhere.
    func evidenceText(_ visit: ConsoleVisit) async throws -> Response {
        let id = try visit.path("transactionId") { TransactionID(validating: $0) }
        let source = try visit.path("source") { EvidenceSource(rawValue: $0) }
        let digest = try visit.path("sha256") { text in
            text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
                ? text : nil
        }
        try FormReader(visit.fields, known: []).check()
        let wanted = EvidenceID(sha256: digest, source: source)
        var place: EvidenceID?
        repeat {
            let (items, next) = try await useCases.evidence(of: id, after: place, limit: Self.itemsPerPage)
            if let found = items.first(where: { $0.evidence.id == wanted }) {
                guard let jws = found.jws else { throw ServiceError.evidenceErased }
                return Self.file(jws, name: "\(id.rawValue)-\(digest.prefix(12)).jws")
            }
            place = next
        } while place != nil
        throw ConsoleError.notFound
    }

    private static func file(_ text: String, name: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8",
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// The newest proof in short, for `transaction.mustache`.
struct ProofSummary: Sendable {
    /// One item in short.
    struct Line: Sendable {
        let digest: String
        let source: String
        let standing: String
        let signedAt: ShownTime
        /// Where the text is; `nil` once erased.
        let text: String?
        let verification: Badge?
    }

    let lines: [Line]
    /// Where certificates and steps are.
    let address: String
    let hasMore: Bool
    let isErased: Bool

    init(_ items: [EvidenceView], of id: TransactionID, hasMore: Bool) {
        lines = items.map { item in
            Line(
                digest: String(item.evidence.id.sha256.prefix(12)),
                source: ShownCode.words(item.evidence.id.source.rawValue),
                standing: ShownCode.words(item.standing.rawValue), signedAt: ShownTime(item.evidence.facts.signedDate),
                text: item.jws.map { _ in ConsoleAddress.text(of: item.evidence.id, id) },
                verification: item.verification.map { Badge(verification: $0.result) })
        }
        self.address = ConsoleAddress.evidence(of: id)
        self.hasMore = hasMore
        self.isErased = false
    }

    /// When nothing of the text is left.
    init(erased id: TransactionID) {
        (lines, address, hasMore, isErased) = ([], ConsoleAddress.evidence(of: id), false, true)
    }
}

/// What `evidence.mustache` shows.
struct EvidenceContent: Sendable {
    let transaction: ShownLink
    let items: [EvidenceItem]
    let next: String?
}

/// One item of proof with everything that checks it.
struct EvidenceItem: Sendable {
    /// A certificate as it names itself.
    struct Certificate: Sendable {
        let subject: String
        let issuer: String
        let serialNumber: String
        let from: ShownTime
        let to: ShownTime
    }

    /// One check.
    struct Step: Sendable {
        let name: String
        let result: Badge
        let detail: String
    }

    let digest: String
    let source: String
    let standing: String
    let notificationType: String?
    let signedAt: ShownTime
    let seenAt: ShownTime
    let position: String?
    let text: String?
    let verification: Badge?
    let steps: [Step]
    let certificates: [Certificate]

    init(_ item: EvidenceView, of id: TransactionID) {
        digest = item.evidence.id.sha256
        source = ShownCode.words(item.evidence.id.source.rawValue)
        standing = ShownCode.words(item.standing.rawValue)
        notificationType = item.evidence.notificationType
        signedAt = ShownTime(item.evidence.facts.signedDate)
        seenAt = ShownTime(item.evidence.seenAt)
        position = item.position.map { String($0) }
        text = item.jws.map { _ in ConsoleAddress.text(of: item.evidence.id, id) }
        verification = item.verification.map { Badge(verification: $0.result) }
        steps = (item.verification?.steps ?? []).map {
            Step(name: ShownCode.words($0.name), result: Badge(verification: $0.result), detail: $0.detail)
        }
        certificates = item.certificates.map {
            Certificate(
                subject: $0.subject, issuer: $0.issuer, serialNumber: $0.serialNumber, from: ShownTime($0.notBefore),
                to: ShownTime($0.notAfter))
        }
    }
}

extension Badge {
    /// The result of a check, by its code.
    init(verification result: String) {
        switch result {
        case "passed": self.init(.good, "Passed")
        case "failed": self.init(.bad, "Failed")
        case "undetermined": self.init(.waiting, "Undetermined")
        default: self.init(.neutral, ShownCode.words(result))
        }
    }
}
