import HTTPTypes
import HummingbirdTesting
import PurchaseAPI
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Reading entitlements, grants and events")
struct EdgeReadingTests {
    static func entitlements() -> StubUseCases {
        var useCases = StubUseCases()
        useCases.onEntitlements = { account async throws(ServiceError) in
            guard account.rawValue == "player-1" else { return [] }
            return [EntitlementView(Sample.entitlement, at: Sample.now)]
        }
        return useCases
    }

    @Test("an unchanged answer is a 304 with the same tag and no body")
    func notModified() async throws {
        try await withEdge(Self.entitlements()) { edge in
            let path = "/v1/accounts/player-1/entitlements"
            let first = try await edge.get(path)
            let tag = try #require(first.headers[.eTag])
            #expect(first.status == 200)
            #expect(first.headers[.age] == "0")
            #expect(first.headers[.cacheControl] == "private, no-cache")
            for known in [tag, "W/\(tag)", #""other", \#(tag) "#, "*"] {
                let again = try await edge.get(path, headers: [.ifNoneMatch: known])
                #expect(again.status == 304, "\(known)")
                #expect(again.body.isEmpty)
                #expect(again.headers[.eTag] == tag)
                #expect(again.headers[.contentLength] == nil)
            }
            for unknown in [#""other""#, "W/", tag.replacing("\"", with: ""), ""] {
                #expect(try await edge.get(path, headers: [.ifNoneMatch: unknown]).status == 200, "\(unknown)")
            }
            let other = try await edge.get("/v1/accounts/player-2/entitlements")
            #expect(other.headers[.eTag] != tag)
            #expect(other.text == #"{"accountId":"player-2","entitlements":[]}"#)
        }
    }

    @Test("over a real connection a 304 leaves it usable")
    func notModifiedLive() async throws {
        try await withEdge(Self.entitlements(), on: .live) { edge in
            let path = "/v1/accounts/player-1/entitlements"
            let tag = try #require(try await edge.get(path).headers[.eTag])
            #expect(try await edge.get(path, headers: [.ifNoneMatch: tag]).status == 304)
            #expect(try await edge.send(.head, path).status == 405)
            #expect(try await edge.get(path).status == 200)
        }
    }

    @Test("grants are listed page by page, each once")
    func grantPages() async throws {
        var useCases = StubUseCases()
        useCases.onGrants = { _, cursor, limit async throws(ServiceError) in
            let first = cursor.flatMap { $0.id.rawValue.split(separator: ".").last }.flatMap { Int($0) } ?? 0
            let grants = (first..<min(first + limit, 7)).map { Sample.grant($0 + 1) }
            let next = first + limit < 7 ? grants.last.map { GrantCursor(createdAt: $0.createdAt, id: $0.id) } : nil
            return (grants, next)
        }
        try await withEdge(useCases) { edge in
            var ids: [String] = []
            var query = "?limit=3"
            while true {
                let page = try await edge.get("/v1/accounts/player-1/grants" + query)
                #expect(page.status == 200)
                ids += (page.json?["grants"]?.items ?? []).compactMap { $0["id"]?.text }
                guard let next = page.json?["nextCursor"]?.text else { break }
                query = "?limit=3&cursor=" + next
            }
            #expect(ids == (1...7).map { Sample.grant($0).id.rawValue })
        }
    }

    @Test("a page has a hundred items unless the caller says otherwise")
    func defaultLimit() async throws {
        let limits = Box<[Int]>([])
        var useCases = StubUseCases()
        useCases.onGrants = { _, _, limit async throws(ServiceError) in
            limits.update { $0.append(limit) }
            return ([], nil)
        }
        try await withEdge(useCases) { edge in
            for query in ["", "?limit=1", "?limit=200"] {
                let answer90 = try await edge.get("/v1/accounts/player-1/grants" + query)
                #expect(answer90.status == 200)
            }
        }
        #expect(limits.value == [100, 1, 200])
    }

    @Test("an acknowledged grant is shown with its account, or with none once that is erased")
    func acknowledge() async throws {
        var useCases = StubUseCases()
        useCases.onAcknowledge = { id async throws(ServiceError) in
            (grant: Sample.grant(1), account: id.rawValue == "g.1" ? AccountID("player-1") : nil)
        }
        try await withEdge(useCases) { edge in
            let own = try await edge.post("/v1/grants/g.1/acknowledge", "")
            #expect(own.json?["accountId"]?.text == "player-1")
            let erased = try await edge.send(.post, "/v1/grants/g%2E2/acknowledge")
            #expect(erased.status == 200)
            #expect(erased.json?["accountId"] == .null)
        }
    }

    @Test("each kind of change is shown, without the account's number")
    func changes() async throws {
        var transaction = Transaction(id: Sample.id, recordedAt: Sample.now)
        transaction.state = Sample.paid
        let id = EvidenceID(sha256: Sample.digest, source: .appStore)
        var claim = Claim(account: AccountNumber(987_654_321), transactionID: Sample.id, claimedAt: Sample.now)
        claim.tokenComparison = .match
        var grant = Sample.grant(1)
        grant.account = AccountNumber(987_654_321)
        var right = Sample.entitlement
        right.account = AccountNumber(987_654_321)
        let movement = Movement(
            rowID: "r", kind: .sale, purchaseID: PurchaseID("p"), generation: 1, step: 0, transactionID: Sample.id,
            occurredAt: Sample.now, amountMilliunits: nil, currency: nil, evidence: id)
        let dispute = ClaimCase(
            id: CaseID("case-1"), account: AccountNumber(987_654_321), status: .open, openedAt: Sample.now)
        let entries: [LedgerEntry] = [
            .identified(.provisional(Sample.id)),
            .identified(.original(.sandbox, OriginalTransactionID("1"))), .absorbed(by: ChainID(7)),
            .transaction(transaction), .evidence(id, .deciding), .claim(claim), .claimCase(dispute), .grant(grant),
            .entitlement(right), .entitlementEnded(right.id), .movement(movement),
            .checkRequested(Sample.id, reasonNumber: 3), .staffOverride(Sample.override),
            .identified(.account(AccountNumber(987_654_321))), .claimReleased(AccountNumber(987_654_321)),
            .accountErased(
                Erasure(account: AccountNumber(987_654_321), requestedAt: Sample.now, reasonNumber: 4)),
        ]
        let event = RecordedEvent(
            position: 17, chainVersion: 2, recordedAt: Sample.now, input: "evidence", rule: "purchase_confirmed",
            policyVersion: PolicyVersion("ab"), actor: "game-backend", evidence: id, entries: entries)
        let asked = Box<[Int64]>([])
        var useCases = StubUseCases()
        useCases.onEvents = { _, version, _ async throws(ServiceError) in
            asked.update { $0.append(version) }
            return (events: [event], next: version == 0 ? 2 : nil)
        }
        try await withEdge(useCases) { edge in
            let first = try await edge.get("/v1/transactions/1/events", key: "support")
            let shown = try #require(first.json?["events"]?.items?.first)
            #expect(
                shown["changes"]?.items?.compactMap { $0["kind"]?.text } == [
                    "identified", "identified", "absorbed", "state", "evidence", "claim", "case", "grant",
                    "entitlement",
                    "entitlement_ended", "movement", "check_requested", "override", "identified",
                    "claim_released", "account_erased",
                ])
            #expect(!first.text.contains("987654321"))
            #expect(shown["position"]?.text == "17")
            let next = try #require(first.json?["nextCursor"]?.text)
            let second = try await edge.get("/v1/transactions/1/events?cursor=\(next)", key: "support")
            #expect(second.json?["nextCursor"] == .null)
        }
        #expect(asked.value == [0, 2])
    }

    @Test("every input and rule that the core can record is one of the contract")
    func closedInputs() async throws {
        for input in Input.Kind.allCases {
            for rule in Rule.allCases {
                var useCases = StubUseCases()
                useCases.onEvents = { _, _, _ async throws(ServiceError) in
                    let event = RecordedEvent(
                        position: 1, chainVersion: 1, recordedAt: Sample.now, input: input.rawValue,
                        rule: rule.rawValue, policyVersion: PolicyVersion("ab"), actor: nil, evidence: nil, entries: [])
                    return (events: [event], next: nil)
                }
                try await withEdge(useCases) { edge in
                    let answer173 = try await edge.get("/v1/transactions/1/events", key: "support")
                    #expect(answer173.status == 200)
                }
            }
        }
    }

    @Test("the contract is served as it was given")
    func document() async throws {
        try await withEdge { edge in
            let answer = try await edge.get("/openapi.yaml", key: nil)
            #expect(answer.text == "openapi: 3.1.0\n")
            #expect(answer.headers[.contentType] == "application/yaml")
        }
    }
}
