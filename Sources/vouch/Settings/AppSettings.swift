import AppStoreClient
import PurchaseCore

/// The one app of this deployment, and the key that speaks for it.
struct AppSettings: Sendable {
    /// The largest key file that is read; a `.p8` has about 260 bytes.
    static let keyFileBytesMax = 64 * 1024

    /// Case-sensitive.
    var bundleID: BundleID
    /// The app's number in the App Store.
    var appAppleID: Int64
    /// A UUID, from the page of the In-App Purchase keys.
    var issuerID: String
    /// The key's id.
    var keyID: String
    /// The key itself.
    var key: InAppPurchaseKey
    /// The stores whose purchases count; never empty.
    var environments: Set<StoreEnvironment> = [.production, .sandbox]
    /// Whether Production answers 401 because the app has no release yet.
    var isUnreleased = false

    /// Reads everything; `nil` only after a fault.
    init?(reading reader: inout SettingsReader) {
        let bundleID = Self.bundleID(from: &reader)
        let appAppleID = Self.appAppleID(from: &reader)
        let issuerID = Self.issuerID(from: &reader)
        let keyID = Self.keyID(from: &reader)
        let key = Self.key(from: &reader)
        let environments = Self.environments(from: &reader)
        let isUnreleased = reader.boolean(.appUnreleased, default: false)
        if isUnreleased, !environments.contains(.sandbox) {
            reader.fault(
                .appUnreleased, "true, while VOUCH_APP_ENVIRONMENTS leaves Sandbox out, where all its purchases are",
                "allow Sandbox, or set it to false")
        }
        guard let bundleID, let appAppleID, let issuerID, let keyID, let key else { return nil }
        self.bundleID = bundleID
        self.appAppleID = appAppleID
        self.issuerID = issuerID
        self.keyID = keyID
        self.key = key
        self.environments = environments
        self.isUnreleased = isUnreleased
    }

    private static func bundleID(from reader: inout SettingsReader) -> BundleID? {
        let fix = "use the app's bundle id in its exact case, such as com.example.app"
        guard let text = reader.required(.appBundleID, fix) else { return nil }
        let isWellFormed =
            (1...155).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"): true
                default: false
                }
            }
        guard isWellFormed else {
            reader.fault(.appBundleID, "\(Printable.quote(text)) is no bundle id", fix)
            return nil
        }
        return BundleID(text)
    }

    private static func appAppleID(from reader: inout SettingsReader) -> Int64? {
        let fix = "use the number that App Store Connect shows as Apple ID under App Information"
        guard let text = reader.required(.appAppleID, fix) else { return nil }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int64(text), number > 0 else {
            reader.fault(.appAppleID, "\(Printable.quote(text)) is no App Store id", fix)
            return nil
        }
        return number
    }

    private static func issuerID(from reader: inout SettingsReader) -> String? {
        let fix = "use the issuer id, a UUID, of App Store Connect: Users and Access, Integrations, In-App Purchase"
        guard let text = reader.required(.appIssuerID, fix) else { return nil }
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy({ $0.isASCII && $0.isHexDigit })
        else {
            reader.fault(.appIssuerID, "\(Printable.quote(text)) is no UUID", fix)
            return nil
        }
        return text
    }

    private static func keyID(from reader: inout SettingsReader) -> String? {
        let fix = "use the id of the In-App Purchase key, such as ABCDE12345; its file is named SubscriptionKey_ID.p8"
        guard let text = reader.required(.appKeyID, fix) else { return nil }
        guard (1...64).contains(text.utf8.count), text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            reader.fault(.appKeyID, "not letters and digits alone", fix)
            return nil
        }
        return text
    }

    private static func key(from reader: inout SettingsReader) -> InAppPurchaseKey? {
        let fix = "name the .p8 file of the In-App Purchase key"
        guard let path = reader.required(.appPrivateKeyFile, fix) else { return nil }
        // The value isn't shown in any of these: it may be the key itself, put where its path belongs.
        guard !path.contains("-----"), !path.contains(where: \.isNewline) else {
            reader.fault(.appPrivateKeyFile, "holds a key where the path of one belongs", fix)
            return nil
        }
        let bytes: [UInt8]
        do throws(InputFile.Fault) {
            bytes = try InputFile.read(path, bytesMax: keyFileBytesMax)
        } catch {
            reader.fault(.appPrivateKeyFile, error.description, fix)
            return nil
        }
        do throws(InAppPurchaseKeyError) {
            return try InAppPurchaseKey(pem: String(decoding: bytes, as: UTF8.self))
        } catch {
            // The error's own sentence says what to do.
            reader.fault(.appPrivateKeyFile, "the file holds no usable key", error.description)
            return nil
        }
    }

    private static func environments(from reader: inout SettingsReader) -> Set<StoreEnvironment> {
        let fix = "use Production, Sandbox or both"
        guard let entries = reader.list(.appEnvironments) else { return [.production, .sandbox] }
        var environments: Set<StoreEnvironment> = []
        for entry in entries {
            if let environment = StoreEnvironment(rawValue: entry) {
                environments.insert(environment)
            } else if ["xcode", "localtesting"].contains(entry.lowercased()) {
                reader.fault(.appEnvironments, "\(entry) data is not signed by Apple and never accepted", fix)
            } else {
                reader.fault(.appEnvironments, "\(Printable.quote(entry)) is no environment", fix)
            }
        }
        if entries.isEmpty { reader.fault(.appEnvironments, "an empty list", fix) }
        return environments
    }
}
