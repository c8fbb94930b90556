extension AppStoreSimulator {
    /// Lets calls go wrong; the fault's number.
    ///
    /// Throws ``SimulatorError``: `invalid`, `full`.
    @discardableResult
    package func inject(_ fault: SimulatedFault) throws(SimulatorError) -> Int {
        try withState { (state, _) throws(SimulatorError) in try state.faults.add(fault) }
    }

    /// Removes a fault; whether there was one of this number.
    @discardableResult
    package func removeFault(_ id: Int) -> Bool {
        withState { state, _ in state.faults.remove(id) }
    }

    /// Removes every fault.
    package func removeAllFaults() {
        withState { state, _ in state.faults.removeAll() }
    }

    /// Starts or ends an outage: every call to the API is answered with 500 / 5000001.
    package func setOutage(_ isOut: Bool) {
        withState { state, _ in state.isOut = isOut }
    }

    /// How many calls the API received; exact, also after the list of calls has lost the oldest ones.
    package func callsCount(transactionID: String? = nil, environment: SimulatedEnvironment? = nil) -> Int {
        withState { state, _ in state.calls.count(transactionID: transactionID, environment: environment) }
    }

    /// Forgets the calls so far.
    package func removeAllCalls() {
        withState { state, _ in state.calls.removeAll() }
    }
}
