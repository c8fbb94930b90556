import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Renewal info that notifications bring")
struct NotifiedRenewalTests {
    @Test("it is committed with the transaction, and nothing is asked")
    func subscribed() async throws {
        try await TestStack.with { stack in
            _ = try await stack.subscribe("ada")
            #expect(try await stack.deliver(try stack.newest("SUBSCRIBED")).outcome == "applied")
            #expect(try await stack.storedRenewals() == ["notification 1"])
            #expect(await stack.pass(.hours(1)) == 0)
            let bodies = try await stack.count("SELECT count(*) FROM renewal_bodies")
            #expect(bodies == 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("billing retry, grace and recovery are served as Apple says, without a question")
    func grace() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            _ = try await stack.deliver(try stack.newest("SUBSCRIBED"))
            stack.clock.advance(.hours(30 * 24 - 1))
            try stack.simulator.failToRenew(id, gracePeriodMilliseconds: Span.days(6).milliseconds)
            #expect(try await stack.deliver(try stack.newest("DID_FAIL_TO_RENEW")).outcome == "applied")
            stack.clock.advance(.days(3))
            #expect(try await stack.access(of: "ada") == "true grace_period")
            _ = try stack.simulator.renew(id)
            _ = try await stack.deliver(try stack.newest("DID_RENEW"))
            #expect(try await stack.keys(of: "ada") == ["gold"])
            #expect(try await stack.access(of: "ada").contains("true paid"))
        }
    }

    @Test("one that comes late does not take the place of a newer one")
    func shuffled() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            stack.clock.advance(.minutes(1))
            try stack.simulator.setAutoRenew(false, of: id)
            let off = try stack.newest("DID_CHANGE_RENEWAL_STATUS")
            stack.clock.advance(.minutes(1))
            try stack.simulator.setAutoRenew(true, of: id)
            let on = try stack.newest("DID_CHANGE_RENEWAL_STATUS")
            for notification in [on, off, on] {
                #expect(["applied", "duplicate"].contains(try await stack.deliver(notification).outcome))
            }
            let chain = try #require(try await stack.store.chain(holding: TransactionID(id)))
            #expect(chain.renewal?.facts.autoRenewStatus == 1)
        }
    }

    @Test("Apple's history brings it as well, when a delivery was lost")
    func swept() async throws {
        try await TestStack.with { stack in
            _ = try await stack.subscribe("ada")
            stack.clock.advance(.minutes(20))
            _ = await stack.sweeper().sweep(.production)
            #expect(try await stack.storedRenewals() == ["history 1"])
        }
    }
}
