import ArgumentParser

/// What can be measured by itself: `bench run --only validation,ledger`.
enum Part: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// A post of a purchase that nobody has seen: Apple is asked, the answer verified, both made durable.
    case validation
    /// A post of what is settled and fresh.
    case `repeat`
    /// What an account may use.
    case entitlements
    /// A notification of Apple's, with a JWS in a JWS.
    case notification
    /// Decisions straight into the ledger.
    case ledger
    /// The paid records as a file.
    case export
    /// Start, memory and size.
    case footprint
    /// Many posts of one purchase at the same moment.
    case once
    /// More posts than can be taken, and less again.
    case overload
    /// Several processes of the service over one database.
    case replicas
    /// The same over ledgers of several sizes.
    case years

    func measure(in workshop: Workshop) async throws {
        switch self {
        case .validation: try await workshop.measureValidation()
        case .repeat: try await workshop.measureRepeats()
        case .entitlements: try await workshop.measureEntitlements()
        case .notification: try await workshop.measureNotifications()
        case .ledger: try await workshop.measureLedger()
        case .export: try await workshop.measureExport()
        case .footprint: try await workshop.measureFootprint()
        case .once: try await workshop.measureOnce()
        case .overload: try await workshop.measureOverload()
        case .replicas: try await workshop.measureReplicas()
        case .years: try await workshop.measureYears()
        }
    }
}
