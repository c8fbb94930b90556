import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Places for restores")
struct RestoreGateTests {
    @Test("an account has one restore at a time, whoever asks")
    func oneEach() {
        let gate = RestoreGate(maximum: 8)
        let (ada, bob) = (AccountID("ada"), AccountID("bob"))
        #expect(gate.enter(ada, isApp: false) == .entered)
        #expect(gate.enter(ada, isApp: false) == .underWay)
        #expect(gate.enter(ada, isApp: true) == .underWay)
        #expect(gate.enter(bob, isApp: false) == .entered)
        gate.leave(ada)
        #expect(gate.enter(ada, isApp: true) == .entered)
        #expect(gate.enter(bob, isApp: true) == .underWay)
    }

    @Test("users leave a quarter of the places to the app, which may take all of them", arguments: [4, 5, 32])
    func quarter(maximum: Int) {
        let gate = RestoreGate(maximum: maximum)
        let users = (0..<maximum).map { AccountID("user-\($0)") }
        let entered = users.filter { gate.enter($0, isApp: false) == .entered }
        #expect(entered.count == maximum * 3 / 4)
        let apps = (0..<maximum).map { AccountID("app-\($0)") }
        let places = apps.map { gate.enter($0, isApp: true) }
        #expect(places.filter { $0 == .entered }.count == maximum - entered.count)
        #expect(places.last == .full)
        // Places of users that become free are anybody's.
        for user in entered { gate.leave(user) }
        #expect(apps.suffix(entered.count).filter { gate.enter($0, isApp: true) == .entered }.count == entered.count)
        #expect(gate.enter(users[0], isApp: false) == .full)
    }
}
