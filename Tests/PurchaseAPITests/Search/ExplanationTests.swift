import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Explanations")
struct ExplanationTests {
    /// Every state and reason with every refusal, entitlement and claim, also those that no chain comes to.
    static let situations: [Situation] = {
        var all: [Situation] = []
        let refusals: [TransactionRefusal?] = [nil] + TransactionRefusal.allCases
        let claims: [Claim.Status?] = [nil] + Claim.Status.allCases
        for standing in Situation.Standing.allCases {
            for refusal in refusals {
                for entitlement in EntitlementReason.allCases {
                    for claim in claims {
                        all.append(
                            Situation(standing: standing, refusal: refusal, entitlement: entitlement, claim: claim))
                    }
                }
            }
        }
        return all
    }()

    /// With and without what fills the sentences' blanks.
    private static let details: [@Sendable (inout Situation) -> Void] = [
        { _ in },
        { situation in
            situation.until = Sample.now
            situation.refundedAt = Sample.now
        },
        { situation in
            situation.until = Sample.now
            situation.productType = .autoRenewable
        },
        { $0.delivery = .open }, { $0.delivery = .acknowledged }, { $0.delivery = .cancelled },
        { $0.isHeldByAnother = true }, { $0.isInBillingRetry = true },
    ]

    @Test("there is one for every state, reason, refusal, entitlement and claim, with all its blanks filled")
    func complete() {
        #expect(Self.situations.count == 16 * 4 * EntitlementReason.allCases.count * 5)
        for situation in Self.situations {
            for change in Self.details {
                var situation = situation
                change(&situation)
                for phrase in situation.summary + ChangeSentence.all(situation) + [situation.customerSentence] {
                    #expect(!phrase.text.contains("{") && phrase.text.hasSuffix("."), "\(phrase.code): \(situation)")
                }
                #expect(!ChangeSentence.all(situation).isEmpty, "nothing would change \(situation)")
            }
        }
    }

    /// Words that are ours or an operator's: a customer must never read them.
    private static let internalWords: Set<String> = [
        "chain", "claim", "claims", "claimed", "lease", "evidence", "ledger", "jws", "jwt", "token", "vouch", "api",
        "http", "https", "key", "keys", "server", "database", "host", "queue", "retry", "recheck", "sweep", "policy",
        "catalogue", "environment", "production", "sandbox", "entitlement", "entitled", "entitles", "grant", "null",
        "nil", "signature", "certificate", "ocsp", "bundle", "transaction", "transactionid", "appaccounttoken",
        "verification", "refusal", "pending", "notification", "webhook", "timeout", "error", "bug", "holder",
    ]

    @Test("what a customer reads is prose and leaks nothing internal")
    func customerSentences() {
        var seen: Set<String> = []
        for situation in Self.situations {
            for change in Self.details {
                var situation = situation
                change(&situation)
                let phrase = situation.customerSentence
                guard seen.insert(phrase.text).inserted else { continue }
                let text = phrase.text
                let words = text.split { !$0.isLetter && $0 != "'" && $0 != "-" }.map { $0.lowercased() }
                #expect(Self.internalWords.isDisjoint(with: words), "\(phrase.code): \(text)")
                #expect((6...45).contains(words.count) && text.first?.isUppercase == true, "\(phrase.code): \(text)")
                let allowed = text.unicodeScalars.allSatisfy { scalar in
                    scalar.properties.isAlphabetic && scalar.isASCII
                        || " .,;'-0123456789".unicodeScalars.contains(scalar)
                }
                #expect(allowed, "\(phrase.code): \(text)")
                #expect(!text.contains("  ") && !text.contains("..") && text.hasSuffix("."), "\(phrase.code): \(text)")
                // A day is the only number in a sentence: no id, no amount, no code.
                let numbers = text.split { !$0.isNumber }
                #expect(numbers.isEmpty || numbers.count == 2 && numbers[1].count == 4, "\(phrase.code): \(text)")
            }
        }
        for template in CustomerSentence.allCases.map(\.template) {
            let beginning = template.prefix { $0 != "{" }
            #expect(seen.contains { $0.hasPrefix(beginning) }, "no situation leads to: \(template)")
        }
    }

    @Test("a customer who is not the holder reads nothing about the one who is")
    func otherPeople() {
        for claim in [nil, Claim.Status.refused, .conflict] {
            var situation = Situation(
                standing: .paid(.confirmed), refusal: nil, entitlement: .unclaimed, claim: claim)
            situation.isHeldByAnother = true
            let phrase = situation.customerSentence
            #expect(["customer.in_use", "customer.other_account"].contains(phrase.code))
            #expect(phrase.parameters.isEmpty)
            #expect(!ChangeSentence.all(situation).contains { $0.code == "change.claim" })
        }
        let unheld = Situation(standing: .paid(.confirmed), refusal: nil, entitlement: .unclaimed, claim: nil)
        #expect(ChangeSentence.all(unheld).map(\.code) == ["change.claim"])
    }

    @Test("what decides comes first: support's word, a refusal, a refund, another account, and then the rest")
    func precedence() {
        func code(
            _ standing: Situation.Standing, _ refusal: TransactionRefusal? = nil, _ entitlement: EntitlementReason,
            _ claim: Claim.Status? = .held
        ) -> String {
            Situation(standing: standing, refusal: refusal, entitlement: entitlement, claim: claim).customerSentence
                .code
        }
        #expect(code(.refunded(.full), nil, .override) == "customer.granted_by_support")
        #expect(code(.pending(.notFoundYet), .notFound, .refused) == "customer.not_found")
        #expect(code(.pending(.notFoundYet), nil, .notPaid) == "customer.not_shown_yet")
        #expect(code(.pending(.appStoreUnavailable), nil, .notPaid) == "customer.confirming_delayed")
        #expect(code(.refunded(.full), nil, .refunded, .conflict) == "customer.refunded")
        #expect(code(.refunded(.prorated), nil, .proratedKeep) == "customer.kept_after_partial_refund")
        #expect(code(.refunded(.prorated), nil, .withheld) == "customer.on_hold")
        #expect(code(.paid(.confirmed), nil, .withheld) == "customer.on_hold")
        #expect(code(.refunded(.familyRevoke), nil, .refunded) == "customer.no_longer_shared")
        #expect(code(.paid(.confirmed), nil, .unclaimed, .conflict) == "customer.in_use")
        #expect(code(.paid(.confirmed), nil, .unclaimed, .refused) == "customer.other_account")
        #expect(code(.paid(.confirmed), nil, .unclaimed, nil) == "customer.not_linked")
        #expect(code(.paid(.refundReversed), nil, .paid) == "customer.available_again")
        #expect(code(.paid(.confirmed), nil, .paid) == "customer.available")
    }

    @Test("what support decided is support's to end, and support is not told to give access that it gave")
    func supportsDecision() {
        func changes(
            _ standing: Situation.Standing, _ entitlement: EntitlementReason, until: Instant? = nil
        ) -> [String] {
            var situation = Situation(standing: standing, refusal: nil, entitlement: entitlement, claim: .held)
            situation.until = until
            return ChangeSentence.all(situation).map(\.code)
        }
        #expect(changes(.paid(.confirmed), .withheld, until: Sample.now) == ["change.end_override"])
        #expect(changes(.refunded(.prorated), .withheld) == ["change.end_override"])
        #expect(changes(.paid(.confirmed), .override) == ["change.end_override"])
        #expect(
            changes(.refunded(.full), .override, until: Sample.now)
                == ["change.end_override", "change.time", "change.apple_reversal"])
        #expect(changes(.pending(.notFoundYet), .override) == ["change.end_override", "change.apple_word"])
    }

    @Test("days and minutes are shown in UTC as English writes them, also before 1970 and at the ends of time")
    func dates() {
        func day(_ milliseconds: Int64) -> String { EnglishDate(Instant(millisecondsSince1970: milliseconds)).day }
        #expect(day(0) == "1 January 1970")
        #expect(day(-1) == "31 December 1969")
        #expect(day(951_782_400_000) == "29 February 2000")
        #expect(day(.max) == "31 December 9999")
        #expect(day(.min) == "1 January 1")
        #expect(
            EnglishDate(Instant(millisecondsSince1970: 1_795_000_000_000)).minute == "18 November 2026, 11:06 UTC")
    }
}
