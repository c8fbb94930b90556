package import PurchaseCore
import Synchronization
import X509

/// Asks issuers whether they have revoked a certificate (OCSP, RFC 6960), with a cache, one question at a time per
/// certificate, and a bound on the whole.
///
/// It is asked last, only about certificates that are valid now, and only at allowed hosts. Whatever keeps the answer
/// from us is a doubt and never a refusal; only a revocation that the issuer signed is one.
package final class OCSPChecker: Sendable {
    /// Sends a DER-encoded request to a URL (POST, `application/ocsp-request`) and returns the body of a 200 answer.
    ///
    /// It throws for everything else, and ends when its task is cancelled.
    package typealias Fetch = @Sendable (_ request: [UInt8], _ url: String) async throws -> [UInt8]

    /// Bounds of a checker.
    package struct Limits: Sendable {
        /// How long a good or revoked answer is used; its own next update may end it earlier.
        package var lifetime: Span = .minutes(15)
        /// How long a doubt is used, so that an outage isn't asked about by every request.
        package var doubtLifetime: Span = .seconds(5)
        /// Answers that are kept; those that end first make room.
        package var entriesMax = 64
        /// Time for both certificates of a chain together.
        package var timeMax: Duration = .seconds(10)

        /// The defaults above.
        package init() {}
    }

    /// Outcome for a chain.
    enum Verdict: Sendable {
        case passed(OCSPCoverage)
        case revoked(VerificationFailure)
        case open(VerificationDoubt)
    }

    /// One certificate, and the issuer whose word counts.
    private struct Subject: Sendable {
        let certificate: Certificate
        let der: [UInt8]
        let validity: CertificateValidity
        let issuer: Certificate
    }

    private enum Finding: Sendable {
        case check(OCSPCheck)
        case revoked
        case doubt(VerificationDoubt)
    }

    private struct Entry {
        let finding: Finding
        let endsAt: Instant
    }

    private let allowedHosts: Set<String>
    private let limits: Limits
    private let clock: any Clock<Duration>
    private let fetch: Fetch
    private let entries = Mutex<[[UInt8]: Entry]>([:])
    private let flights = FlightTable<[UInt8], Finding>()

    /// - Parameters:
    ///   - allowedHosts: `host`, or `host:port` for another port than the scheme's own.
    ///   - limits: Times and sizes.
    ///   - clock: Measures ``Limits/timeMax`` and nothing else; the instant of a check is the caller's.
    ///   - fetch: The one use of a network.
    package init(
        allowedHosts: [String], limits: Limits = Limits(), clock: any Clock<Duration> = ContinuousClock(),
        fetch: @escaping Fetch
    ) {
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
        self.limits = limits
        self.clock = clock
        self.fetch = fetch
    }

    /// Answers that are kept now, ended ones included.
    package var count: Int { entries.withLock { $0.count } }
    /// Tasks that wait for another task's question about a certificate.
    func waiters(for der: [UInt8]) -> Int { flights.waiters(for: der) }

    /// Asks about leaf and intermediate, both at once.
    ///
    /// Revoked outweighs doubt, and doubt outweighs good.
    func check(_ chain: VerifiedChain, now: Instant) async -> Verdict {
        let leaf = Subject(
            certificate: chain.leaf, der: chain.leafDER, validity: chain.leafValidity, issuer: chain.intermediate)
        let intermediate = Subject(
            certificate: chain.intermediate, der: chain.intermediateDER, validity: chain.intermediateValidity,
            issuer: chain.root)
        // The usual case starts no tasks.
        if let leaf = settled(leaf, now: now), let intermediate = settled(intermediate, now: now) {
            return Self.verdict(leaf, intermediate)
        }
        let findings = await withTimeLimit { [self] in
            async let first = finding(leaf, now: now)
            async let second = finding(intermediate, now: now)
            return await (first, second)
        }
        guard let findings else {
            return .open(VerificationDoubt(.ocspUnreachable, "no answer about revocation in time"))
        }
        return Self.verdict(findings.0, findings.1)
    }

    private static func verdict(_ leaf: Finding, _ intermediate: Finding) -> Verdict {
        switch (leaf, intermediate) {
        case (.revoked, _):
            .revoked(VerificationFailure(.certificateRevoked, "the leaf certificate is revoked"))
        case (_, .revoked):
            .revoked(VerificationFailure(.certificateRevoked, "the intermediate certificate is revoked"))
        case (.doubt(let doubt), _), (_, .doubt(let doubt)):
            .open(doubt)
        case (.check(let leaf), .check(let intermediate)):
            .passed(OCSPCoverage(leaf: leaf, intermediate: intermediate))
        }
    }

    /// What is known without asking.
    private func settled(_ subject: Subject, now: Instant) -> Finding? {
        // Issuers stop answering for expired certificates; what was signed before is judged by its own date.
        guard subject.validity.contains(now) else { return .check(.expired) }
        return entries.withLock { entries in
            guard let entry = entries[subject.der], now < entry.endsAt else { return nil }
            return entry.finding
        }
    }

    private func finding(_ subject: Subject, now: Instant) async -> Finding {
        while true {
            if let settled = settled(subject, now: now) { return settled }
            switch await flights.board(subject.der) {
            case .joined(.some(let finding)): return finding
            case .joined(.none): continue
            case .cancelled: return .doubt(VerificationDoubt(.ocspUnreachable, "cancelled"))
            case .lead:
                defer { flights.close(subject.der) }
                // Whoever led before may have found it since we looked.
                if let settled = settled(subject, now: now) {
                    flights.land(subject.der, settled)
                    return settled
                }
                let finding = await ask(about: subject, now: now)
                // A cancelled question has no answer that others could use: the next one asks again.
                flights.land(subject.der, Task.isCancelled ? nil : finding)
                return finding
            }
        }
    }

    /// Asks the responder, if there is an allowed one, and keeps what it says.
    private func ask(about subject: Subject, now: Instant) async -> Finding {
        switch OCSPResponder(of: subject.certificate, allowedHosts: allowedHosts) {
        case .none:
            return keep(.check(.noURI), about: subject, for: limits.lifetime, now: now)
        case .elsewhere:
            let doubt = VerificationDoubt(.ocspURIElsewhere, "the certificate's OCSP host is not an allowed one")
            return keep(.doubt(doubt), about: subject, for: limits.doubtLifetime, now: now)
        case .url(let url):
            return await ask(url, about: subject, now: now)
        }
    }

    private func ask(_ url: String, about subject: Subject, now: Instant) async -> Finding {
        let certID: OCSPCertID
        let response: [UInt8]
        do {
            certID = try OCSPCertID(of: subject.certificate, issuer: subject.issuer)
            response = try await fetch(try certID.request(), url)
        } catch {
            // What the network says stays inside: it may hold addresses, and it changes nothing.
            let finding = Finding.doubt(VerificationDoubt(.ocspUnreachable, "the responder could not be asked"))
            return Task.isCancelled ? finding : keep(finding, about: subject, for: limits.doubtLifetime, now: now)
        }
        switch OCSPResponse.judge(response, about: certID, issuer: subject.issuer, now: now) {
        case .good(let nextUpdate):
            return keep(.check(.good), about: subject, for: min(limits.lifetime, nextUpdate - now), now: now)
        case .revoked:
            return keep(.revoked, about: subject, for: limits.lifetime, now: now)
        case .doubt(let doubt):
            return keep(.doubt(doubt), about: subject, for: limits.doubtLifetime, now: now)
        }
    }

    /// Keeps a finding for a span, but not beyond the certificate's validity, and returns it.
    private func keep(_ finding: Finding, about subject: Subject, for lifetime: Span, now: Instant) -> Finding {
        let endsAt = min(now + lifetime, subject.validity.notAfter + .seconds(1))
        entries.withLock { entries in
            if entries[subject.der] == nil, entries.count >= limits.entriesMax {
                entries = entries.filter { now < $0.value.endsAt }
                while entries.count >= limits.entriesMax,
                    let first = entries.min(by: { $0.value.endsAt < $1.value.endsAt })
                {
                    entries[first.key] = nil
                }
            }
            entries[subject.der] = Entry(finding: finding, endsAt: endsAt)
        }
        return finding
    }

    /// Runs an operation for at most ``Limits/timeMax``; `nil` when it was cut off.
    private func withTimeLimit<Value: Sendable>(
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { [clock, limits] group in
            group.addTask { await operation() }
            group.addTask {
                try? await clock.sleep(for: limits.timeMax)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
