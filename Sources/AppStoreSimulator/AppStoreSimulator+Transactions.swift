extension AppStoreSimulator {
    /// Makes a purchase.
    ///
    /// Throws ``SimulatorError``: `invalid`, `duplicateTransaction`, `full`, `material`.
    @discardableResult
    package func purchase(_ request: SimulatedPurchase) throws(SimulatorError) -> SimulatedReceipt {
        try act(request.environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.buy(request, now: now)
            // A purchase that names a chain which exists already takes up a subscription that had ended.
            let isContinued = try state.book.transaction(key).originalID != key.id
            state.announce(
                request.type != .autoRenewable ? .oneTimeCharge : isContinued ? .resubscribe : .initialBuy,
                about: key, now: now)
            return [key]
        }
    }

    /// Takes a purchase back; of a refunded one it changes the refund.
    ///
    /// Restored copies and family members follow. Throws ``SimulatorError``: `unknownTransaction`, `invalid`,
    /// `material`.
    @discardableResult
    package func refund(
        _ transactionID: String, _ refund: SimulatedRefund = SimulatedRefund(),
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let affected = try state.book.refund(
                try state.book.find(transactionID, in: environment), refund, now: now)
            state.announce(
                refund.kind == .familyRevoke ? .revoke : .refund, members: .revoke, affected: affected, now: now)
            return affected
        }
    }

    /// Undoes a refund.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not refunded), `material`.
    @discardableResult
    package func reverseRefund(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let affected = try state.book.reverseRefund(
                try state.book.find(transactionID, in: environment), now: now)
            state.announce(.refundReversed, members: .refundReversed, affected: affected, now: now)
            return affected
        }
    }

    /// Restores a purchase on another device: a new transactionId, the same originalTransactionId, and no notification.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (a consumable), and the errors of a new id.
    @discardableResult
    package func restore(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil, newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            return [try state.book.restore(key, transactionID: newTransactionID, now: now)]
        }
    }

    /// Gives a family member an own transaction for a purchase.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (can't be shared), and the errors of a new id.
    @discardableResult
    package func shareWithFamily(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil, newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let copy = try state.book.share(key, transactionID: newTransactionID, now: now)
            let isSubscription = try state.book.transaction(copy).type == .autoRenewable
            state.announce(isSubscription ? .initialBuy : .oneTimeCharge, about: copy, now: now)
            return [copy]
        }
    }

    /// Sets payload fields; `null` removes one.
    ///
    /// `signedDate` fixes that date, `null` leaves it out, and the text `automatic` gives it back to the clock. Throws
    /// ``SimulatorError``: `unknownTransaction`, `invalid`, `material`.
    @discardableResult
    package func setFields(
        _ fields: SimulatorJSONObject, of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            try state.book.set(fields, on: key, now: now)
            return [key]
        }
    }

    /// Sets fields of a subscription's renewal info, such as `autoRenewStatus` or `gracePeriodExpiresDate`; `null`
    /// removes one.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription).
    package func setRenewalFields(
        _ fields: SimulatorJSONObject, of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, _) throws(SimulatorError) in
            _ = try state.book.updateRenewal(of: try state.book.find(transactionID, in: environment), fields)
        }
    }

    /// The payload as it is now, without `signedDate`.
    ///
    /// Throws ``SimulatorError/unknownTransaction(_:)``.
    package func payload(
        of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SimulatorJSONObject {
        try withState { (state, _) throws(SimulatorError) in
            try state.book.transaction(try state.book.find(transactionID, in: environment)).fields
        }
    }

    /// The transaction as a device would hold it, signed now, or forged.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `material`.
    package func signedTransaction(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil, forgery: SimulatedForgery? = nil
    ) throws(SimulatorError) -> String {
        let payload = try withState { (state, now) throws(SimulatorError) in
            state.book.issue(try state.book.find(transactionID, in: environment), now: now)
        }
        return try signer.sign(payload, forgery: forgery)
    }

    /// Signs any payload, for what no purchase can look like.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    package func sign(
        _ payload: SimulatorJSONObject, forgery: SimulatedForgery? = nil
    ) throws(SimulatorError) -> String {
        try signer.sign(payload, forgery: forgery)
    }

    /// Does something to the book; the receipt of the first transaction that it changed, signed outside of the lock.
    func act(
        _ environment: SimulatedEnvironment?,
        _ body: (inout State, Int64) throws(SimulatorError) -> [TransactionKey]
    ) throws(SimulatorError) -> SimulatedReceipt {
        let done = try withState { (state, now) throws(SimulatorError) -> Act in
            let affected = try body(&state, now)
            guard let key = affected.first else { throw .conflict("nothing changed") }
            let transaction = try state.book.transaction(key)
            return Act(
                transaction: transaction, affected: affected.map(\.id), payload: state.book.issue(key, now: now))
        }
        return SimulatedReceipt(
            transactionID: done.transaction.key.id, originalTransactionID: done.transaction.originalID,
            environment: done.transaction.key.environment, orderID: done.transaction.orderID,
            appTransactionID: done.transaction.appTransactionID, affected: done.affected,
            signedTransaction: try signer.sign(done.payload))
    }
}

/// What an act in the store left, before it is signed.
private struct Act: Sendable {
    let transaction: SimulatedTransaction
    let affected: [String]
    let payload: SimulatorJSONObject
}
