package import PurchaseCore
import Synchronization

/// The policy in force in this process; shared by everything that decides.
///
/// Whoever decides reads ``current`` once and works with that value to the end, so that no decision mixes two policies.
package final class PolicyHolder: Sendable {
    private let policy: Mutex<Policy>

    /// Begins with a policy.
    package init(_ policy: Policy) { self.policy = Mutex(policy) }

    /// The policy in force now.
    package var current: Policy { policy.withLock { $0 } }

    /// Puts another policy in force, from the next decision on; its document must be stored already, since events name it.
    package func replace(with new: Policy) { policy.withLock { $0 = new } }
}
