import AppStoreClient

/// What came of asking one OCSP host.
enum DoctorOCSPAnswer: Equatable, Sendable {
    /// An OCSP response, whatever it says.
    case responded
    /// 200 with something else.
    case notOCSP
    /// No usable answer.
    case failed(OCSPFetchError)
}

extension DoctorFinding {
    /// The trusted roots, and whether they fit the hosts that are asked.
    ///
    /// `appleHosts` are the settings whose URL is a host of Apple's.
    static func trustedRoots(
        fingerprints: [String], isBuiltIn: Bool, appleHosts: [SettingName], faults: [SettingsFault]
    ) -> [DoctorFinding] {
        let shown = fingerprints.map { "SHA-256 \($0)" }.joined(separator: ", ")
        if !isBuiltIn, !appleHosts.isEmpty {
            let hosts = appleHosts.map(\.rawValue).joined(separator: " and ")
            return [
                .fault(
                    .trustedRoots,
                    "VOUCH_TRUSTED_ROOTS_FILE replaces Apple's root while \(hosts) point to Apple: \(shown)",
                    fix: "remove VOUCH_TRUSTED_ROOTS_FILE: whoever has the key of that root could sign purchases")
            ]
        }
        if let fault = faults.first {
            return [.fault(.trustedRoots, "\(fault.name): \(fault.problem)", fix: fault.fix)]
        }
        if isBuiltIn { return [.ok(.trustedRoots, "Apple Root CA - G3, built in: \(shown)")] }
        return [
            .warning(
                .trustedRoots, "replaced, so purchases that Apple did not sign are believed: \(shown)",
                fix: "right for a simulated store alone; otherwise remove VOUCH_TRUSTED_ROOTS_FILE")
        ]
    }

    /// OCSP is off.
    static let ocspIsOff = DoctorFinding.warning(
        .ocsp, "off: a certificate that Apple revoked would still be believed",
        fix: "set VOUCH_OCSP to on, unless the store is a simulated one")

    /// One OCSP host; without an answer, verifications stay undetermined and purchases pending.
    static func ocsp(host: String, _ answer: DoctorOCSPAnswer) -> DoctorFinding {
        let route = "allow outgoing HTTP to \(host), port 80 unless another is named, without a proxy in between"
        switch answer {
        case .responded: return .ok(.ocsp, "\(host) answers")
        case .notOCSP:
            return .fault(
                .ocsp, "\(host) answers with something that is no OCSP response: a proxy or a portal", fix: route)
        case .failed(.status(let status)):
            return .fault(.ocsp, "\(host) answers with HTTP \(status): no OCSP responder, or a proxy", fix: route)
        case .failed(.timedOut): return .fault(.ocsp, "\(host) did not answer in time", fix: route)
        case .failed(.connectionFailed):
            return .fault(.ocsp, "\(host) can't be reached: no address, no route, or a firewall", fix: route)
        case .failed(.cut), .failed(.tooLarge):
            return .fault(.ocsp, "\(host) answers with an empty, cut or oversized body", fix: route)
        case .failed(.notAllowed):
            return .fault(.ocsp, "\(host) can't be asked", fix: "use HOST or HOST:PORT in VOUCH_OCSP_HOSTS")
        case .failed(.cancelled): return .unknown(.ocsp, "interrupted before \(host) answered", fix: "run it again")
        }
    }
}
