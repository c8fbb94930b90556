extension AppStoreSimulator {
    /// What is decided about a call before its endpoint is looked at.
    private struct Opening: Sendable {
        let number: Int
        let isOut: Bool
        let fault: SimulatedFault?
    }

    /// Answers a call to the App Store Server API, as Apple would or as a fault says.
    func respond(to call: StoreCall) -> StoreAnswer {
        let opening = withState { state, now in
            let number = state.calls.record(call, at: now)
            // Faults wait until the outage is over: a test counts on each happening once.
            guard !state.isOut else { return Opening(number: number, isOut: true, fault: nil) }
            // Two fields of the state at once: the queue asks for chances while it is being changed.
            var ids = state.book.ids
            let fault = state.faults.take(for: call) { ids.happens(probability: $0) }
            state.book.ids = ids
            return Opening(number: number, isOut: false, fault: fault)
        }
        var answer = opening.isOut ? .error(.generalInternalRetryable) : self.answer(to: call, meeting: opening.fault)
        if opening.isOut { answer.note = "outage" }
        if let fault = opening.fault { answer.note = fault.kind.name }
        let (status, note) = (answer.delivery == .hangs ? nil : answer.status, answer.note)
        withState { state, _ in state.calls.finish(opening.number, status: status, note: note) }
        return answer
    }

    private func answer(to call: StoreCall, meeting fault: SimulatedFault?) -> StoreAnswer {
        guard let fault else { return properAnswer(to: call, AnswerAlteration()) }
        var answer = answer(to: call, meeting: fault.kind)
        answer.delayMilliseconds = fault.delayMilliseconds
        return answer
    }

    private func answer(to call: StoreCall, meeting kind: SimulatedFault.Kind) -> StoreAnswer {
        switch kind {
        case .unauthorized:
            return .unauthenticated(note: kind.name)
        case .notFound(let code):
            return .error(code: code, message: StoreError.message(for: code))
        case .throttled(let ahead):
            var answer = StoreAnswer.error(.rateLimitExceeded)
            answer.retryAfter = ahead.map { nowMilliseconds + $0 }
            return answer
        case .serverError(let code?, let status):
            return .error(code: code, message: StoreError.message(for: code), status: status)
        case .serverError(nil, let status):
            return .text("<html><body>Service unavailable</body></html>", status: status, contentType: "text/html")
        case .timeout:
            var answer = StoreAnswer.text("", status: 504)
            answer.delivery = .hangs
            return answer
        case .notJSON:
            return .text("<html><body>Sign in to this network</body></html>", status: 200, contentType: "text/html")
        case .emptyBody:
            return StoreAnswer(status: 200, contentType: "application/json", body: [])
        case .oversizedBody(let bytes):
            var answer = StoreAnswer(
                status: 200, contentType: "application/json", body: Array("{\"signedTransactionInfo\":\"".utf8))
            answer.delivery = .oversized(bytes: bytes)
            return answer
        case .status(let status, let body, let contentType):
            return .text(body, status: status, contentType: contentType)
        case .delay:
            return properAnswer(to: call, AnswerAlteration())
        case .slowBody(let rate):
            return properAnswer(to: call, AnswerAlteration(), delivery: .slow(bytesPerSecond: rate))
        case .cutBody:
            return properAnswer(to: call, AnswerAlteration(), delivery: .cut)
        case .badDate(let seconds):
            return properAnswer(
                to: call, AnswerAlteration(), delivery: .skewedDate(clock.nowMilliseconds / 1000 + seconds))
        case .wrongTransaction(let id):
            return properAnswer(to: call, AnswerAlteration(content: .otherTransaction(id)))
        case .stale(let oldSignedDate):
            return properAnswer(to: call, AnswerAlteration(content: .former(oldSignedDate: oldSignedDate)))
        case .forged(let forgery):
            return properAnswer(to: call, AnswerAlteration(forgery: forgery))
        }
    }

    private func properAnswer(
        to call: StoreCall, _ alteration: AnswerAlteration, delivery: StoreAnswer.Delivery
    ) -> StoreAnswer {
        var answer = properAnswer(to: call, alteration)
        answer.delivery = delivery
        return answer
    }

    private func properAnswer(to call: StoreCall, _ alteration: AnswerAlteration) -> StoreAnswer {
        if configuration.isUnreleased, call.environment == .production {
            return .unauthenticated(note: "the app was never released")
        }
        let nowSeconds = clock.nowMilliseconds / 1000
        if configuration.requiresAuthentication,
            let reason = tokenCheck.refusal(of: call.authorization, nowSeconds: nowSeconds)
        {
            return .unauthenticated(note: reason)
        }
        do throws(StoreFailure) {
            switch call.endpoint {
            case .transactionInfo(let id): return try transactionInfo(id, call, alteration)
            case .transactionHistory(let id): return try transactionHistory(id, call, alteration)
            case .refundHistory(let id): return try refundHistory(id, call, alteration)
            case .subscriptionStatuses(let id): return try subscriptionStatuses(id, call, alteration)
            case .orderLookup(let id): return try orderLookup(id, call, alteration)
            case .notificationHistory: return try notificationHistory(call, alteration)
            case .requestTestNotification: return try requestTestNotification(call)
            case .testNotificationStatus(let token): return try testNotificationStatus(token, call, alteration)
            case .unknown: return .text("Not Found", status: 404)
            }
        } catch {
            switch error {
            case .store(let error): return .error(error)
            case .simulator(let error): return .text("app-store-simulator: \(error)", status: 500)
            }
        }
    }

    private func transactionInfo(
        _ id: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        guard id.isTransactionID else { throw .store(.invalidTransactionID) }
        let payload = try withState { (state, now) throws(StoreFailure) in
            let key = TransactionKey(environment: call.environment, id: id)
            guard state.book.transactions[key] != nil else {
                let customer = TransactionBook.Customer(environment: call.environment, appTransactionID: id)
                let isDownload = state.book.byCustomer[customer] != nil
                throw .store(isDownload ? .appTransactionIDNotSupported : .transactionIDNotFound)
            }
            return state.book.issue(key, content: alteration.content, now: now)
        }
        return .json(["signedTransactionInfo": .string(try sign(payload, alteration))])
    }

    private func orderLookup(
        _ orderID: String, _ call: StoreCall, _ alteration: AnswerAlteration
    ) throws(StoreFailure) -> StoreAnswer {
        let payloads = withState { state, now in
            let keys = state.book.byOrder[orderID, default: []].filter { $0.environment == call.environment }
            return keys.map { state.book.issue($0, content: alteration.content, now: now) }
        }
        var signed: [SimulatorJSON] = []
        for payload in payloads { signed.append(.string(try sign(payload, alteration))) }
        return .json(["status": signed.isEmpty ? 1 : 0, "signedTransactions": .array(signed)])
    }

    /// Signs as the alteration says.
    func sign(_ payload: SimulatorJSONObject, _ alteration: AnswerAlteration) throws(StoreFailure) -> String {
        do {
            return try signer.sign(payload, forgery: alteration.forgery)
        } catch {
            throw .simulator(error)
        }
    }
}

/// Why an endpoint gives no answer of its own.
enum StoreFailure: Error {
    /// An error of the store's.
    case store(StoreError)
    /// The simulator itself failed.
    case simulator(SimulatorError)
}

extension String {
    /// 1–32 ASCII digits: what Apple takes for an id at all.
    var isTransactionID: Bool {
        (1...32).contains(utf8.count) && utf8.allSatisfy { (48...57).contains($0) }
    }
}
