import PurchaseCore
import Synchronization

/// Counts restores under way in this process: each keeps a page of signed data in memory.
///
/// An account has one at a time, and end users leave a quarter of the places to role `app`: nobody who signs in, however
/// often, keeps the app's backend out.
final class RestoreGate: Sendable {
    /// What became of an attempt.
    enum Entry: Hashable, Sendable {
        /// A place is taken: ``leave(_:)`` gives it back.
        case entered
        /// The account has a restore under way.
        case underWay
        /// No place is left for such a caller.
        case full
    }

    /// The accounts whose restores are under way, each with whether role `app` asked for it; at most ``maximum``.
    private let running = Mutex<[AccountID: Bool]>([:])
    private let maximum: Int
    private let usersMax: Int

    init(maximum: Int) {
        self.maximum = maximum
        usersMax = maximum * 3 / 4
    }

    /// Takes a place for an account; `isApp` says whether the caller has the role `app`.
    func enter(_ account: AccountID, isApp: Bool) -> Entry {
        running.withLock { running -> Entry in
            guard running[account] == nil else { return .underWay }
            let users = running.values.count { !$0 }
            guard running.count < maximum, isApp || users < usersMax else { return .full }
            running[account] = isApp
            return .entered
        }
    }

    /// Gives the account's place back.
    func leave(_ account: AccountID) { running.withLock { running in running[account] = nil } }
}
