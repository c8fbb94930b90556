extension AppStoreSimulator {
    /// Get All Subscription Statuses: the current transaction and renewal info of each of the customer's subscriptions.
    func subscriptionStatuses(
        _ id: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        var wanted: [Int64] = []
        for text in call.values("status") {
            guard let status = Int64(text), (1...5).contains(status) else { throw .store(.invalidStatus) }
            wanted.append(status)
        }
        let items = try withState { (state, now) throws(StoreFailure) in
            let transactions = try state.book.history(ofCustomerOf: id, in: call.environment)
            return state.book.subscriptions(among: transactions, content: alteration.content, now: now)
        }
        var groups: [(name: String, items: [SimulatorJSON])] = []
        for item in items where wanted.isEmpty || wanted.contains(item.status) {
            let entry: SimulatorJSON = [
                "originalTransactionId": .string(item.originalID),
                "status": .integer(item.status),
                "signedRenewalInfo": .string(try sign(item.renewal, alteration)),
                "signedTransactionInfo": .string(try sign(item.transaction, alteration)),
            ]
            if let index = groups.firstIndex(where: { $0.name == item.group }) {
                groups[index].items.append(entry)
            } else {
                groups.append((item.group, [entry]))
            }
        }
        let data = groups.map { group -> SimulatorJSON in
            ["subscriptionGroupIdentifier": .string(group.name), "lastTransactions": .array(group.items)]
        }
        return .json([
            "environment": .string(call.environment.rawValue),
            "bundleId": .string(configuration.bundleID),
            "appAppleId": .integer(configuration.appAppleID),
            "data": .array(data),
        ])
    }
}

/// One subscription in a status answer, not yet signed.
struct SubscriptionItem: Sendable {
    let originalID: String
    let group: String
    /// 1 active, 2 expired, 3 billing retry, 4 billing grace period, 5 revoked.
    let status: Int64
    let transaction: SimulatorJSONObject
    let renewal: SimulatorJSONObject
}

extension TransactionBook {
    /// Each subscription among a customer's transactions, once.
    mutating func subscriptions(
        among transactions: [SimulatedTransaction], content: AnswerAlteration.Content, now: Int64
    ) -> [SubscriptionItem] {
        var originals: [String] = []
        var items: [SubscriptionItem] = []
        for transaction in transactions where transaction.type == .autoRenewable {
            guard !originals.contains(transaction.originalID), let newest = try? newest(inChainOf: transaction.key)
            else { continue }
            originals.append(transaction.originalID)
            let renewal = issueRenewal(of: newest, now: now)
            items.append(
                SubscriptionItem(
                    originalID: transaction.originalID,
                    group: newest.fields["subscriptionGroupIdentifier"]?.stringValue ?? "",
                    status: renewal.status, transaction: issue(newest.key, content: content, now: now),
                    renewal: renewal.info))
        }
        return items
    }

    /// Renewal info and status of the subscription that a transaction belongs to; `nil`: there is no such transaction.
    mutating func issueRenewal(
        ofChainOf key: TransactionKey, now: Int64
    ) -> (info: SimulatorJSONObject, status: Int64)? {
        guard let newest = try? newest(inChainOf: key) else { return nil }
        return issueRenewal(of: newest, now: now)
    }

    private mutating func issueRenewal(
        of newest: SimulatedTransaction, now: Int64
    ) -> (info: SimulatorJSONObject, status: Int64) {
        let key = TransactionKey(environment: newest.key.environment, id: newest.originalID)
        // A family member's subscription goes the way of the purchaser's.
        var set = payer(ofChain: key).flatMap { renewalFields[$0] } ?? SimulatorJSONObject()
        for (name, value) in (renewalFields[key] ?? SimulatorJSONObject()).pairs { set[name] = value }
        let info = renewalInfo(of: newest, set: set, signedDate: takeRenewalSignedDate(key, now: now))
        return (info, Self.status(of: newest, renewal: info, now: now))
    }

    private func renewalInfo(
        of newest: SimulatedTransaction, set: SimulatorJSONObject, signedDate: Int64
    ) -> SimulatorJSONObject {
        var info: SimulatorJSONObject = [
            "originalTransactionId": .string(newest.originalID),
            "autoRenewStatus": newest.isRevoked ? 0 : 1,
            "isInBillingRetryPeriod": false,
        ]
        let product = newest.fields["productId"]
        info["productId"] = product
        info["autoRenewProductId"] = product
        info["environment"] = .string(newest.key.environment.rawValue)
        info["renewalDate"] = newest.fields["expiresDate"]
        info["recentSubscriptionStartDate"] = newest.fields["originalPurchaseDate"]
        if newest.fields["price"] != nil { info["renewalPrice"] = nextPrice(after: newest) }
        info["currency"] = newest.fields["currency"]
        let plan = plans[chain(of: newest.key)]
        if let upcoming = plan?.upcomingOffer {
            SimulatedOffer.write(upcoming.offer, period: plan?.nextPeriod ?? newest.period ?? 0, to: &info)
        }
        info["appTransactionId"] = .string(newest.appTransactionID)
        info["appAccountToken"] = newest.fields["appAccountToken"]
        info["signedDate"] = .integer(signedDate)
        info.apply(set)
        return info
    }

    private static func status(of newest: SimulatedTransaction, renewal: SimulatorJSONObject, now: Int64) -> Int64 {
        if newest.isRevoked { return 5 }
        if let expires = newest.expiresDate, now < expires { return 1 }
        if let grace = renewal["gracePeriodExpiresDate"]?.integerValue, now < grace { return 4 }
        return renewal["isInBillingRetryPeriod"] == true ? 3 : 2
    }
}
