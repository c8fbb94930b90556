package import PurchaseCore

/// One sentence of an explanation: in English, and as a code with parameters for whoever translates.
package struct Phrase: Hashable, Sendable {
    /// `<group>.<name>`; stable, and never with another meaning.
    package let code: String
    /// English, with `{name}` in the places of the parameters.
    package let template: String
    /// By the names in the template.
    package let parameters: [String: PhraseValue]
    /// When it came about; `nil` for what has no moment.
    package var at: Instant?

    /// English, with the parameters in their places.
    package var text: String {
        parameters.reduce(template) { text, parameter in
            text.replacing("{\(parameter.key)}", with: parameter.value.shown)
        }
    }
}

/// A value in a sentence.
package enum PhraseValue: Hashable, Sendable {
    /// A name, an id, a code.
    case text(String)
    /// A count or an amount of units.
    case number(Int64)
    /// A moment, shown to the minute.
    case instant(Instant)
    /// A moment, shown as the day in UTC that it lies in.
    case day(Instant)

    /// As English shows it.
    package var shown: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .instant(let instant): EnglishDate(instant).minute
        case .day(let instant): EnglishDate(instant).day
        }
    }
}

/// A closed list of sentences with a stable code each; `docs/explanations.md` is made from it.
protocol PhraseKind: CaseIterable, RawRepresentable, Sendable where RawValue == String {
    /// The part of the code before the dot.
    static var group: String { get }
    /// English, with `{name}` in the places of parameters.
    var template: String { get }
}

extension PhraseKind {
    /// The sentence with its parameters; the names must be the template's.
    func phrase(_ parameters: [String: PhraseValue] = [:], at instant: Instant? = nil) -> Phrase {
        Phrase(code: "\(Self.group).\(rawValue)", template: template, parameters: parameters, at: instant)
    }
}

/// A moment in UTC as English prose has it.
struct EnglishDate {
    private let date: CivilDate
    private let minutes: Int64

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// Takes any instant; beyond the years 1–9999 the nearer end is shown.
    init(_ instant: Instant) {
        let milliseconds = min(max(instant.millisecondsSince1970, -62_135_596_800_000), 253_402_300_799_999)
        let day = (milliseconds - (milliseconds < 0 ? 86_399_999 : 0)) / 86_400_000
        date = CivilDate(daysSince1970: day)
        minutes = (milliseconds - day * 86_400_000) / 60_000
    }

    /// `3 December 2026`.
    var day: String { "\(date.day) \(Self.months[Int(date.month) - 1]) \(date.year)" }

    /// `3 December 2026, 09:05 UTC`.
    var minute: String { "\(day), \(Self.twoDigits(minutes / 60)):\(Self.twoDigits(minutes % 60)) UTC" }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
