import AppStoreClient
import AppStoreJWS

/// How the App Store is reached, and whose word is taken for Apple's.
struct AppStoreSettings: Sendable {
    /// The largest file of roots that is read.
    static let rootsFileBytesMax = 1024 * 1024

    /// Base URL of the App Store Server API for real purchases.
    var productionURL = AppStoreBaseURL.production
    /// The same for Sandbox, TestFlight and App Review.
    var sandboxURL = AppStoreBaseURL.sandbox
    /// Budget of all replicas together for Production; a tenth for the Sandbox.
    var requestsPerSecond = 50
    /// The roots that chains may end in.
    var trustedRoots = TrustedRoots.appleRootCAG3
    /// Whether revocation is asked about.
    var ocsp = OCSP.on(hosts: ["ocsp.apple.com"])

    /// What is done about revoked certificates.
    enum OCSP: Hashable, Sendable {
        /// Responders are asked, at these hosts alone: `host` or `host:port`, lower-cased; never empty.
        case on(hosts: [String])
        /// Nobody is asked.
        case off
    }

    /// Apple's hosts and root.
    init() {}

    /// Reads everything.
    init(reading reader: inout SettingsReader) {
        productionURL = Self.url(.appStoreProductionURL, default: .production, from: &reader)
        sandboxURL = Self.url(.appStoreSandboxURL, default: .sandbox, from: &reader)
        requestsPerSecond = reader.integer(.appStoreRequestsPerSecond, default: 50, in: 1...100_000)
        trustedRoots = Self.trustedRoots(from: &reader)
        ocsp = Self.ocsp(from: &reader)
        if productionURL.isApple, productionURL.host.contains("sandbox") {
            reader.fault(.appStoreProductionURL, "it is Apple's Sandbox host", "use \(AppStoreBaseURL.production)")
        }
        if sandboxURL.isApple, !sandboxURL.host.contains("sandbox") {
            reader.fault(.appStoreSandboxURL, "it is Apple's Production host", "use \(AppStoreBaseURL.sandbox)")
        }
        refuseForeignRoots(&reader)
    }

    /// Whoever holds the key of a replaced root can sign purchases; the real store must never be believed under it.
    private func refuseForeignRoots(_ reader: inout SettingsReader) {
        guard !trustedRoots.isBuiltIn else { return }
        let urls = [(SettingName.appStoreProductionURL, productionURL), (.appStoreSandboxURL, sandboxURL)]
        let apple = urls.filter(\.1.isApple).map(\.0.rawValue)
        guard !apple.isEmpty else { return }
        let verb = apple.count == 1 ? "is Apple's host" : "are Apple's hosts"
        reader.fault(
            .trustedRootsFile, "it replaces Apple's root while \(apple.joined(separator: " and ")) \(verb)",
            "remove it, or set both URLs to a simulator's")
    }

    private static func url(
        _ name: SettingName, default fallback: AppStoreBaseURL, from reader: inout SettingsReader
    ) -> AppStoreBaseURL {
        guard let text = reader.text(name) else { return fallback }
        let url: AppStoreBaseURL
        do throws(AppStoreBaseURLError) {
            url = try AppStoreBaseURL(validating: text)
        } catch {
            // Not quoted: an address of the form https://user:password@host would show the password.
            reader.fault(name, "not usable as an App Store URL", error.description)
            return fallback
        }
        // A dot at the end names the same host in another spelling, and would slip past every comparison of hosts.
        guard !url.host.hasSuffix(".") else {
            reader.fault(name, "the host ends in a dot", "remove the dot")
            return fallback
        }
        return url
    }

    /// The built-in root, or those of `VOUCH_TRUSTED_ROOTS_FILE`.
    static func trustedRoots(from reader: inout SettingsReader) -> TrustedRoots {
        guard let path = reader.text(.trustedRootsFile) else { return .appleRootCAG3 }
        let fix = "name a DER file, or a PEM file with one or more root certificates"
        let shown = Printable.quote(path)
        let bytes: [UInt8]
        do throws(InputFile.Fault) {
            bytes = try InputFile.read(path, bytesMax: rootsFileBytesMax)
        } catch {
            reader.fault(.trustedRootsFile, "\(shown): \(error)", fix)
            return .appleRootCAG3
        }
        do throws(TrustedRootsError) {
            return try TrustedRoots(file: bytes)
        } catch {
            reader.fault(.trustedRootsFile, "\(shown): \(error)", fix)
            return .appleRootCAG3
        }
    }

    /// The two values of `VOUCH_OCSP`.
    private enum Switch: String, CaseIterable {
        case on
        case off
    }

    private static func ocsp(from reader: inout SettingsReader) -> OCSP {
        let hosts = reader.list(.ocspHosts) ?? ["ocsp.apple.com"]
        for host in hosts where !isHost(host) {
            reader.fault(
                .ocspHosts, "\(Printable.quote(host)) is no host", "use HOST or HOST:PORT, without http:// and path")
        }
        switch reader.choice(.ocsp, default: Switch.on) {
        case .off: return .off
        case .on:
            if hosts.isEmpty {
                reader.fault(
                    .ocspHosts, "an empty list while VOUCH_OCSP is on", "name a host, or set VOUCH_OCSP to off")
            }
            return .on(hosts: hosts.map { $0.lowercased() })
        }
    }

    private static func isHost(_ text: String) -> Bool {
        if let address = ListenAddress(text) { return address.port != 0 }
        return HostName.isWellFormed(text)
    }
}
