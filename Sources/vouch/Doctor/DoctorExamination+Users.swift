import UserTokens

extension DoctorExamination {
    /// Reads the identity provider's keys once, as `vouch serve` does.
    func userKeysFinding() async -> DoctorFinding {
        if let why = settings.obstacle([.userIssuer, .userAudience, .userJWKS]) { return .notLookedAt(.userKeys, why) }
        guard let users = settings.users else {
            return .ok(.userKeys, "no identity provider is set up: the role user is off")
        }
        let reader = UserKeyReader(users.keys, httpClient: httpClient, time: time)
        do throws(KeySetFault) {
            return .userKeys(.success(try KeySet(json: try await reader.read())))
        } catch {
            return .userKeys(.failure(error))
        }
    }
}

extension DoctorFinding {
    /// What reading the identity provider's keys came to.
    static func userKeys(_ result: Result<KeySet, KeySetFault>) -> DoctorFinding {
        switch result {
        case .success(let keys):
            let skipped = keys.skipped.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            let left = skipped.isEmpty ? "" : "; left out: " + skipped.joined(separator: ", ")
            let detail = "\(keys.count) of the identity provider's keys can be used\(left)"
            guard keys.skipped["is_private"] == nil else {
                return .warning(
                    .userKeys, detail, fix: "the set publishes a private key: whoever has read it can sign; replace it")
            }
            return .ok(.userKeys, detail)
        case .failure(let fault):
            let detail = "the set that VOUCH_USER_JWKS names \(fault.explanation)"
            let fix =
                "open the file or the address from this machine: it must hold a JSON Web Key Set with a usable key; "
                + "until it can be read, users are answered 503 (and `vouch serve` doesn't start without the file)"
            switch fault {
            case .unreachable: return .unknown(.userKeys, detail, fix: fix)
            case .status, .tooLarge, .malformed, .tooManyKeys, .noUsableKey:
                return .fault(.userKeys, detail, fix: fix)
            }
        }
    }
}
