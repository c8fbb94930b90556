import AppStoreSimulator
import PurchaseCore
import TestSupport

/// One customer's purchase and everything that comes of it in the App Store, as the simulated world knows it.
struct Life {
    /// Who bought.
    let account: String
    let productID: String
    let type: SimulatedProductType
    let environment: SimulatedEnvironment
    /// Every transaction that it has: charges, renewals, restores.
    ///
    /// The first is the purchase.
    var ids: [String]
    /// Copies of family members, with their accounts.
    var members: [(account: String, id: String)] = []
    /// Signed transactions as devices kept them, old ones included.
    var keepsakes: [String] = []
    /// Accounts that posted it.
    var claimants: Set<String> = []

    var allIDs: [String] { ids + members.map(\.id) }

    static let products: [(String, SimulatedProductType)] = [
        ("coins", .consumable), ("pro", .nonConsumable), ("season", .nonRenewing), ("gold", .autoRenewable),
    ]
}

/// What can happen in the simulated world; drawn by weight.
enum Act: CaseIterable {
    case post, postOldSigned, foreignPost, renew, restore, share, stopSharing
    case refund, refundInPart, reverseRefund, declineRefund, requestConsumption, changeRenewal
    case recheck, acknowledge

    /// Acts that thousands of customers do often come often.
    static let weighted: [Act] =
        Array(repeating: .post, count: 6) + Array(repeating: .renew, count: 4) + Array(repeating: .refund, count: 4)
        + Array(repeating: .reverseRefund, count: 3) + [
            .postOldSigned, .postOldSigned, .foreignPost, .restore, .restore, .share, .share, .stopSharing,
            .refundInPart, .refundInPart, .declineRefund, .requestConsumption, .changeRenewal, .recheck, .acknowledge,
        ]
}

extension EdgeGenerator {
    init(seed: UInt64) { self.init(state: seed) }

    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}
