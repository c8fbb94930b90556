/// Why the simulator refused to do what a test or an operator asked; never what the simulated store answers.
package enum SimulatorError: Error, Hashable {
    /// No transaction has this id (in this environment).
    case unknownTransaction(String)
    /// The id is taken in this environment.
    case duplicateTransaction(String)
    /// A value that was given makes no sense; the text names it.
    case invalid(String)
    /// The request doesn't fit the transaction's state or type; the text says why.
    case conflict(String)
    /// A bound of the simulator is reached; the text names it.
    case full(String)
    /// A key, a certificate or a file of the simulator's directory can't be made or read; the text says which.
    case material(String)
}

extension SimulatorError: CustomStringConvertible {
    /// One sentence for a person.
    package var description: String {
        switch self {
        case .unknownTransaction(let id): "there is no transaction \(id)"
        case .duplicateTransaction(let id): "transaction \(id) exists already in this environment"
        case .invalid(let reason), .conflict(let reason), .full(let reason), .material(let reason): reason
        }
    }
}
