import PurchaseCore
import PurchaseService

/// A moment, for `time.mustache`: for machines to the millisecond, for people to the second, in UTC.
struct ShownTime: Sendable {
    let machine: String
    let text: String

    init(_ instant: Instant) {
        machine = RFC3339.text(instant)
        text = machine.prefix(10) + " " + machine.dropFirst(11).prefix(8) + " UTC"
    }
}

/// Something that can be opened.
struct ShownLink: Sendable {
    let text: String
    let address: String

    init(_ text: String, _ address: String) {
        self.text = text
        self.address = address
    }

    init(_ id: TransactionID) { self.init(id.rawValue, ConsoleAddress.transaction(id)) }
    init(_ id: AccountID) { self.init(id.rawValue, ConsoleAddress.account(id)) }
    init(_ id: CaseID) { self.init(id.rawValue, ConsoleAddress.claimCase(id)) }
}

/// A state in words, with a colour and a shape that say the same, for `badge.mustache`.
struct Badge: Sendable {
    /// A class of the stylesheet: `good`, `waiting`, `bad` or `neutral`.
    let tone: String
    /// A shape that differs where the colour does.
    let shape: String
    let text: String

    init(_ tone: Tone, _ text: String) {
        self.tone = tone.rawValue
        self.shape = tone.shape
        self.text = text
    }

    /// What it means for the customer.
    enum Tone: String, CaseIterable {
        case good, waiting, bad, neutral

        var shape: String {
            switch self {
            case .good: "●"
            case .waiting: "◐"
            case .bad: "◆"
            case .neutral: "○"
            }
        }
    }

    init(state: PurchaseState.Name) {
        switch state {
        case .received: self.init(.waiting, "Received")
        case .pending: self.init(.waiting, "Pending")
        case .paid: self.init(.good, "Paid")
        case .refunded: self.init(.bad, "Refunded")
        }
    }

    init(isEntitled: Bool) { self.init(isEntitled ? .good : .neutral, isEntitled ? "May use it" : "May not use it") }
}

/// Codes as people read them: `app_store_unavailable` is `app store unavailable`.
enum ShownCode {
    static func words(_ code: String) -> String { code.replacing("_", with: " ") }
}

extension Money {
    /// `4.99 USD`; in milliunits for a currency whose decimals are not known.
    var shown: String { decimalText.map { "\($0) \(currency)" } ?? "\(milliunits) milliunits \(currency)" }
}
