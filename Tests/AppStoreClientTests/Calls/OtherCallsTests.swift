import AppStoreClient
import PurchaseCore
import PurchaseService
import Testing

@Suite("The other calls of the App Store Server API")
struct OtherCallsTests {
    private static let id = TransactionID("2000000123456789")

    private static func ok(_ body: String) -> ScriptedServer.Step { ScriptedServer.answer("200 OK", body: body) }

    @Test("history: filters, paging, and what a page holds")
    func history() async throws {
        let budget = UnlimitedBudget()
        let body =
            #"{"revision":"r 2","hasMore":true,"bundleId":"b","environment":"Production","signedTransactions":["a","b"]}"#
        try await withClient(script: { _, _ in [Self.ok(body)] }, budget: budget) { client, server in
            var filter = TransactionHistoryFilter()
            filter.startDate = Instant(millisecondsSince1970: 1_000)
            filter.endDate = Instant(millisecondsSince1970: 2_000)
            filter.productIDs = ["a&b", "ü"].map { ProductID($0) }
            filter.productTypes = [.consumable, .autoRenewable]
            filter.subscriptionGroupIdentifiers = ["g"]
            filter.inAppOwnershipType = .purchased
            filter.revoked = false
            filter.sort = .descending
            let reply = await client.transactionHistory(
                of: Self.id, filter: filter, revision: "r=1+", in: .production, lane: .sweep, deadline: .seconds(30))
            guard case .answered(let page) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(page.signedTransactions == ["a", "b"])
            #expect(page.revision == "r 2" && page.hasMore && page.environment == "Production")
            #expect(page.bundleID == BundleID("b"))
            #expect(
                server.requests.first?.target
                    == "/production/inApps/v2/history/2000000123456789?startDate=1000&endDate=2000&productId=a%26b"
                    + "&productId=%C3%BC&productType=CONSUMABLE&productType=AUTO_RENEWABLE&subscriptionGroupIdentifier=g"
                    + "&inAppOwnershipType=PURCHASED&revoked=false&sort=DESCENDING&revision=r%3D1%2B")
            #expect(budget.requests.map(\.endpointClass) == [.standard])
        }
    }

    @Test(
        "a page that would lose purchases is malformed",
        arguments: [
            "{}", #"{"hasMore":false}"#, #"{"signedTransactions":["a"]}"#,
            #"{"hasMore":true,"signedTransactions":["a"]}"#,
            #"{"hasMore":true,"revision":"","signedTransactions":["a"]}"#,
            #"{"hasMore":false,"signedTransactions":[1]}"#,
        ])
    func malformedPages(body: String) async throws {
        try await withClient(script: { _, _ in [Self.ok(body)] }) { client, _ in
            let history = await client.transactionHistory(
                of: Self.id, revision: nil, in: .production, lane: .sweep, deadline: .seconds(30))
            #expect(history.code == "malformed")
            let refunds = await client.refundHistory(
                of: Self.id, revision: nil, in: .production, lane: .sweep, deadline: .seconds(30))
            #expect(refunds.code == "malformed")
        }
    }

    @Test("a page, a revision or a list of subscriptions beyond its bound is malformed")
    func bounds() async throws {
        let jws = { (count: Int) in (0..<count).map { _ in #""a""# }.joined(separator: ",") }
        let page = { (count: Int, revision: String) in
            #"{"hasMore":true,"revision":"\#(revision)","signedTransactions":[\#(jws(count))]}"#
        }
        let long = String(repeating: "r", count: SignedTransactionsPage.revisionBytesMax)
        let pages = [(page(100, long), "answered"), (page(101, "r"), "malformed"), (page(1, long + "r"), "malformed")]
        for (body, code) in pages + [(page(1, "\u{fc}"), "malformed")] {
            try await withClient(script: { _, _ in [Self.ok(body)] }) { client, _ in
                let reply = await client.transactionHistory(
                    of: Self.id, revision: nil, in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(reply.code == code)
            }
        }
        for (count, code) in [(200, "answered"), (201, "malformed")] {
            let items = (0..<count).map { _ in "{}" }.joined(separator: ",")
            let body = #"{"data":[{"lastTransactions":[\#(items)]}]}"#
            try await withClient(script: { _, _ in [Self.ok(body)] }) { client, _ in
                let reply = await client.subscriptionStatuses(
                    of: Self.id, in: .production, lane: .retry, deadline: .seconds(30))
                #expect(reply.code == code)
            }
        }
    }

    @Test("refund history and order look-up have the smaller limit")
    func lookups() async throws {
        let budget = UnlimitedBudget()
        let script: ScriptedServer.Script = { _, number in
            switch number {
            case 1: [Self.ok(#"{"revision":"r","hasMore":false,"signedTransactions":[]}"#)]
            case 2: [Self.ok(#"{"status":0,"signedTransactions":["a"]}"#)]
            default: [Self.ok(#"{"status":1}"#)]
            }
        }
        try await withClient(script: script, budget: budget) { client, server in
            let refunds = await client.refundHistory(
                of: Self.id, revision: "x", in: .sandbox, lane: .sweep, deadline: .seconds(30))
            guard case .answered(let page) = refunds else {
                Issue.record("\(refunds)")
                return
            }
            #expect(page.signedTransactions.isEmpty && page.revision == "r" && !page.hasMore)
            let order = await client.lookUpOrder("MK5TTTTTTT", lane: .interactive, deadline: .seconds(30))
            guard case .answered(let found) = order else {
                Issue.record("\(order)")
                return
            }
            #expect(found.isValid && found.signedTransactions == ["a"])
            let unknown = await client.lookUpOrder("MK5TTTTTTU", lane: .interactive, deadline: .seconds(30))
            guard case .answered(let missing) = unknown else {
                Issue.record("\(unknown)")
                return
            }
            #expect(!missing.isValid && missing.signedTransactions.isEmpty)
            #expect(
                server.requests.map(\.target) == [
                    "/sandbox/inApps/v2/refund/lookup/2000000123456789?revision=x",
                    "/production/inApps/v1/lookup/MK5TTTTTTT", "/production/inApps/v1/lookup/MK5TTTTTTU",
                ])
            #expect(budget.requests.map(\.endpointClass) == [.lookup, .lookup, .lookup])
            #expect(budget.requests.last?.tokensPerHour == 35_996)
        }
    }

    @Test("subscription statuses come with their groups, odd ones too")
    func statuses() async throws {
        let body = """
            {"environment":"Sandbox","bundleId":"b","data":[{"subscriptionGroupIdentifier":"g","lastTransactions":[
            {"status":4,"originalTransactionId":"1","signedTransactionInfo":"t","signedRenewalInfo":"r"},{"status":9}]},{}]}
            """
        try await withClient(script: { _, number in [Self.ok(number == 1 ? body : "{}")] }) { client, server in
            let reply = await client.subscriptionStatuses(
                of: Self.id, in: .sandbox, lane: .retry, deadline: .seconds(30))
            guard case .answered(let statuses) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(statuses.groups.count == 2)
            let first = try #require(statuses.groups.first?.lastTransactions.first)
            #expect(first.status == 4 && first.originalTransactionID == OriginalTransactionID("1"))
            #expect(first.signedTransactionInfo == "t" && first.signedRenewalInfo == "r")
            #expect(statuses.groups[0].lastTransactions[1].status == 9)
            #expect(server.requests.first?.target == "/sandbox/inApps/v1/subscriptions/2000000123456789")
            let empty = await client.subscriptionStatuses(
                of: Self.id, in: .sandbox, lane: .retry, deadline: .seconds(30))
            #expect(empty.code == "malformed")
        }
    }

    @Test("codes that mean an unknown customer are definitive here, and not for Get Transaction Info")
    func unknownCustomer() async throws {
        for code in [4_040_001, 4_040_005, 4_040_010] as [Int64] {
            let step = ScriptedServer.answer("404 Not Found", body: #"{"errorCode":\#(code)}"#)
            try await withClient(script: { _, _ in [step] }) { client, _ in
                let statuses = await client.subscriptionStatuses(
                    of: Self.id, in: .production, lane: .retry, deadline: .seconds(30))
                #expect(statuses == .notFound(errorCode: code))
                let info = await client.transactionInfo(
                    Self.id, in: .production, lane: .retry, deadline: .seconds(30))
                #expect(
                    info
                        == (code == 4_040_010
                            ? .notFound(errorCode: code) : .refusedRequest(status: 404, errorCode: code)))
            }
        }
    }

    @Test("notification history posts the query, and pages by token")
    func notificationHistory() async throws {
        let body = """
            {"paginationToken":"t2","hasMore":true,"notificationHistory":[{"signedPayload":"p","sendAttempts":[
            {"attemptDate":5,"sendAttemptResult":"SUCCESS"},{"sendAttemptResult":"NEW_KIND"}]},{"signedPayload":"q"}]}
            """
        let script: ScriptedServer.Script = { _, number in
            [Self.ok(number < 4 ? body : #"{"hasMore":true,"notificationHistory":[{}]}"#)]
        }
        try await withClient(script: script) { client, server in
            let start = Instant(millisecondsSince1970: 1)
            let end = Instant(millisecondsSince1970: 2)
            let queries = [
                NotificationHistoryQuery(startDate: start, endDate: end),
                NotificationHistoryQuery(
                    startDate: start, endDate: end, onlyFailures: true, filter: .transaction(Self.id)),
                NotificationHistoryQuery(startDate: start, endDate: end, filter: .type("DID_RENEW", subtype: "X")),
            ]
            for query in queries {
                let reply = await client.notificationHistory(
                    query, paginationToken: "t/1", in: .production, lane: .sweep, deadline: .seconds(30))
                guard case .answered(let page) = reply else {
                    Issue.record("\(reply)")
                    return
                }
                #expect(page.hasMore && page.paginationToken == "t2")
                #expect(page.notifications.map(\.signedPayload) == ["p", "q"])
                #expect(page.notifications[0].sendAttempts.map(\.sendAttemptResult) == ["SUCCESS", "NEW_KIND"])
                #expect(page.notifications[0].sendAttempts[0].attemptDate == Instant(millisecondsSince1970: 5))
            }
            let requests = server.requests
            #expect(requests.allSatisfy { $0.method == "POST" && $0.headers["content-type"] == "application/json" })
            #expect(requests[0].target == "/production/inApps/v1/notifications/history?paginationToken=t%2F1")
            #expect(
                requests.map(\.body) == [
                    #"{"endDate":2,"startDate":1}"#,
                    #"{"endDate":2,"onlyFailures":true,"startDate":1,"transactionId":"2000000123456789"}"#,
                    #"{"endDate":2,"notificationSubtype":"X","notificationType":"DID_RENEW","startDate":1}"#,
                ])
            let broken = await client.notificationHistory(
                queries[0], paginationToken: nil, in: .production, lane: .sweep, deadline: .seconds(30))
            #expect(broken.code == "malformed")
        }
    }

    @Test("a test notification is requested and followed, one request a second")
    func testNotification() async throws {
        let budget = UnlimitedBudget()
        let script: ScriptedServer.Script = { _, number in
            switch number {
            case 1: [Self.ok(#"{"testNotificationToken":"ce3af791_165"}"#)]
            case 2: [ScriptedServer.answer("404 Not Found", body: #"{"errorCode":4040008}"#)]
            case 3: [Self.ok(#"{"signedPayload":"p","sendAttempts":[]}"#)]
            case 4: [ScriptedServer.answer("404 Not Found", body: #"{"errorCode":4040007}"#)]
            default: [Self.ok("{}")]
            }
        }
        try await withClient(script: script, budget: budget) { client, server in
            let requested = await client.requestTestNotification(
                in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(requested.code == "answered")
            let early = await client.testNotificationStatus(
                "ce3af791_165", in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(early == .notFound(errorCode: 4_040_008))
            let status = await client.testNotificationStatus(
                "ce3af791_165", in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(status.code == "answered")
            let unset = await client.requestTestNotification(
                in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(unset == .refusedRequest(status: 404, errorCode: 4_040_007))
            let empty = await client.requestTestNotification(
                in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(empty.code == "malformed")
            #expect(server.requests.map(\.method) == ["POST", "GET", "GET", "POST", "POST"])
            #expect(server.requests[0].target == "/production/inApps/v1/notifications/test")
            #expect(server.requests[1].target == "/production/inApps/v1/notifications/test/ce3af791_165")
            #expect(Set(budget.requests.map(\.endpointClass)) == [.test])
        }
    }

    @Test("identifiers that could shape a path are refused without a request")
    func identifiers() async throws {
        try await withClient(script: { _, _ in [Self.ok("{}")] }) { client, server in
            for text in ["", "a/b", "..", "a?b", "ü", "a b", String(repeating: "a", count: 300)] {
                let order = await client.lookUpOrder(text, lane: .interactive, deadline: .seconds(30))
                #expect(order == .unavailable(.invalidIdentifier))
                let status = await client.testNotificationStatus(
                    text, in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(status == .unavailable(.invalidIdentifier))
                let id = TransactionID(text)
                let history = await client.transactionHistory(
                    of: id, revision: nil, in: .production, lane: .sweep, deadline: .seconds(30))
                #expect(history == .unavailable(.invalidIdentifier))
                let refunds = await client.refundHistory(
                    of: id, revision: nil, in: .production, lane: .sweep, deadline: .seconds(30))
                #expect(refunds == .unavailable(.invalidIdentifier))
                let statuses = await client.subscriptionStatuses(
                    of: id, in: .production, lane: .sweep, deadline: .seconds(30))
                #expect(statuses == .unavailable(.invalidIdentifier))
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test("cancelling ends each of the calls")
    func cancellation() async throws {
        let query = NotificationHistoryQuery(
            startDate: Instant(millisecondsSince1970: 1), endDate: Instant(millisecondsSince1970: 2))
        let hour = Duration.seconds(3_600)
        let calls: [@Sendable (AppStoreClient) async -> String] = [
            {
                await $0.transactionHistory(of: Self.id, revision: nil, in: .sandbox, lane: .sweep, deadline: hour).code
            },
            { await $0.subscriptionStatuses(of: Self.id, in: .sandbox, lane: .sweep, deadline: hour).code },
            { await $0.refundHistory(of: Self.id, revision: nil, in: .sandbox, lane: .sweep, deadline: hour).code },
            { await $0.lookUpOrder("A1", lane: .sweep, deadline: hour).code },
            {
                await $0.notificationHistory(query, paginationToken: nil, in: .sandbox, lane: .sweep, deadline: hour)
                    .code
            },
            { await $0.requestTestNotification(in: .sandbox, lane: .sweep, deadline: hour).code },
            { await $0.testNotificationStatus("t", in: .sandbox, lane: .sweep, deadline: hour).code },
        ]
        for call in calls {
            try await withClient(script: { _, _ in [.hold] }) { client, server in
                let task = Task { await call(client) }
                await server.waitForRequests(1)
                task.cancel()
                #expect(await task.value == "cancelled")
            }
        }
    }
}
