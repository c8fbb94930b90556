import FoundationEssentials

/// The key file as it lies on disk; nothing of its content but the armour's kind.
struct DoctorKeyFile: Equatable, Sendable {
    /// The last part of the path.
    var name: String
    /// The permission bits of its mode; `nil` if the system doesn't say.
    var permissions: UInt32?
    /// Whether its armour says `EC PRIVATE KEY` or `EC PARAMETERS`, as OpenSSL writes and App Store Connect never does.
    var isSEC1: Bool

    /// Takes the facts.
    init(name: String, permissions: UInt32?, isSEC1: Bool) {
        self.name = name
        self.permissions = permissions
        self.isSEC1 = isSEC1
    }

    /// Looks at a file that settings have been read from already.
    init(path: String) {
        let bytes = (try? InputFile.read(path, bytesMax: AppSettings.keyFileBytesMax)) ?? []
        let text = String(decoding: bytes, as: UTF8.self)
        let permissions = (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions]
        self.init(
            name: path.split(separator: "/").last.map(String.init) ?? "",
            permissions: (permissions as? UInt).map { UInt32(truncatingIfNeeded: $0) },
            isSEC1: ["EC PRIVATE KEY", "EC PARAMETERS"].contains { text.contains("-----BEGIN \($0)-----") })
    }

    /// Whether users outside the file's group can use it, or anybody but its owner can write it.
    var isTooOpen: Bool { permissions.map { $0 & 0o027 != 0 } ?? false }

    /// The id that App Store Connect puts into the name, `SubscriptionKey_ID.p8` or `AuthKey_ID.p8`.
    var keyIDInName: String? {
        guard name.hasSuffix(".p8"), let lead = ["SubscriptionKey_", "AuthKey_"].first(where: name.hasPrefix) else {
            return nil
        }
        return String(name.dropFirst(lead.count).dropLast(3))
    }

    /// Whether the name is that of an App Store Connect API key, which is of another family.
    var isNamedLikeAPIKey: Bool { name.hasPrefix("AuthKey_") }
}

extension DoctorFinding {
    /// One finding for each fault of the settings.
    static func settings(faults: [SettingsFault]) -> [DoctorFinding] {
        if faults.isEmpty { return [.ok(.settings, "no fault in them")] }
        return faults.map { .fault(.settings, "\($0.name): \($0.problem)", fix: $0.fix) }
    }

    /// The private key: whether it can be read and is of the right kind, and who else could read it.
    static func privateKey(_ file: DoctorKeyFile?, faults: [SettingsFault]) -> [DoctorFinding] {
        if let fault = faults.first { return [.fault(.privateKey, "\(fault.name): \(fault.problem)", fix: fault.fix)] }
        guard let file else {
            return [.unknown(.privateKey, "the file can't be looked at", fix: "correct the settings first")]
        }
        var findings: [DoctorFinding] = []
        if file.isTooOpen, let permissions = file.permissions {
            findings.append(
                .warning(
                    .privateKey, "other users of this machine can get at the key (mode \(octal(permissions)))",
                    fix: "let its owner alone read it: chmod 600, or 640 with the service's group"))
        }
        if file.isSEC1 {
            findings.append(
                .warning(
                    .privateKey, "the file was not written by App Store Connect, whose keys are PKCS#8",
                    fix: "use the .p8 file as it was downloaded, unless it was converted on purpose"))
        }
        return findings.isEmpty ? [.ok(.privateKey, "a P-256 key")] : findings
    }

    /// Key id and issuer id: their form, and whether the file's name agrees.
    static func keyIDs(
        keyID: String?, issuerID: String?, file: DoctorKeyFile?, faults: [SettingsFault]
    ) -> [DoctorFinding] {
        if !faults.isEmpty { return faults.map { .fault(.keyIDs, "\($0.name): \($0.problem)", fix: $0.fix) } }
        guard let keyID, issuerID != nil else {
            return [.unknown(.keyIDs, "key id and issuer id can't be read", fix: "correct the settings first")]
        }
        var findings: [DoctorFinding] = []
        let isUsual = keyID.utf8.count == 10 && keyID.utf8.allSatisfy(isUpperCaseOrDigit)
        if !isUsual {
            findings.append(
                .warning(
                    .keyIDs, "the key id \(Printable.quote(keyID)) has not the usual form: 10 capitals and digits",
                    fix: "compare VOUCH_APP_KEY_ID with the list of In-App Purchase keys in App Store Connect"))
        }
        if let named = file?.keyIDInName, named != keyID {
            findings.append(
                .warning(
                    .keyIDs,
                    "the key file is named for \(Printable.quote(named)), and the key id is "
                        + Printable.quote(keyID),
                    fix: "let VOUCH_APP_KEY_ID and VOUCH_APP_PRIVATE_KEY_FILE be about the same key"))
        }
        // App Store Connect's API keys have ids and an issuer of the same form: only Apple's answer tells them apart.
        return findings.isEmpty ? [.ok(.keyIDs, "key id and issuer id have the right form")] : findings
    }

    private static func isUpperCaseOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
    }

    private static func octal(_ permissions: UInt32) -> String { "0" + String(permissions, radix: 8) }
}
