/// What a page says about the action that led to it; the raw value is kept with the session.
enum ConsoleNotice: String, CaseIterable, Sendable {
    case rechecked
    case recheckWaits = "recheck_waits"
    case caseTransferred = "case_transferred"
    case caseRefused = "case_refused"
    case overrideMade = "override_made"
    case overrideThere = "override_there"
    case overrideEnded = "override_ended"
    case accountErased = "account_erased"
    case accountErasing = "account_erasing"
    case accountUnknown = "account_unknown"

    /// The sentence.
    var text: String {
        switch self {
        case .rechecked: "Apple was asked. This is how it stands now."
        case .recheckWaits: "Apple is being asked, and has not answered yet. Load this page again in a while."
        case .caseTransferred: "The purchase was transferred to the claimant. Both accounts' backends hear of it."
        case .caseRefused: "The claim was refused: the claimant does not have the purchase."
        case .overrideMade: "The decision is in force."
        case .overrideThere: "The same decision was in force already; nothing was changed."
        case .overrideEnded: "The decision is ended."
        case .accountErased: "The account is erased."
        case .accountErasing: "The account is being erased; what is left follows by itself."
        case .accountUnknown: "Nothing is known under that name: it was erased before, or never seen."
        }
    }
}
