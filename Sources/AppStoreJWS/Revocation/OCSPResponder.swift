import X509

/// Where a certificate says that its revocation can be asked.
enum OCSPResponder: Equatable {
    /// It doesn't say.
    case none
    /// Somewhere that isn't allowed, or that can't be read.
    case elsewhere
    /// At this URL, whose host is allowed.
    case url(String)

    /// Bytes of a URL that are read.
    private static let urlBytesMax = 1_024

    /// Reads a certificate's authority information access; of several addresses, the first that is allowed.
    init(of certificate: Certificate, allowedHosts: Set<String>) {
        let access: AuthorityInformationAccess?
        do { access = try certificate.extensions.authorityInformationAccess } catch {
            self = .elsewhere
            return
        }
        let locations = access?.filter { $0.method == .ocspServer }.map(\.location) ?? []
        guard !locations.isEmpty else {
            self = .none
            return
        }
        for case .uniformResourceIdentifier(let url) in locations where Self.isAllowed(url, allowedHosts) {
            self = .url(url)
            return
        }
        self = .elsewhere
    }

    /// Whether a URL is `http` or `https` to an allowed host: compared as `host` at the scheme's own port, or as
    /// `host:port`.
    ///
    /// The whole authority is compared, so a user part matches nothing; nothing but printable ASCII.
    static func isAllowed(_ url: String, _ allowedHosts: Set<String>) -> Bool {
        guard url.utf8.count <= urlBytesMax, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return false }
        let lowered = url.lowercased()
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where lowered.hasPrefix(scheme) {
            let authority = lowered.dropFirst(scheme.count).prefix { !"/?#\\".contains($0) }
            guard !authority.isEmpty else { return false }
            if allowedHosts.contains(String(authority)) { return true }
            return authority.hasSuffix(port) && allowedHosts.contains(String(authority.dropLast(port.count)))
        }
        return false
    }
}
