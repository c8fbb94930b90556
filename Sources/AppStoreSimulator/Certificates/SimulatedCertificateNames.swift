import X509

/// The subject names of a chain's three certificates.
package struct SimulatedCertificateNames: Sendable {
    let root: DistinguishedName
    let intermediate: DistinguishedName
    let leaf: DistinguishedName

    /// Names that say what they are: a simulator's.
    package static func simulated() throws -> SimulatedCertificateNames {
        SimulatedCertificateNames(
            root: try name("Simulated App Store Root", unit: "Simulated Certification Authority"),
            intermediate: try name("Simulated App Store Intermediate", unit: "S1"),
            leaf: try name("Simulated App Store Signing", unit: "Simulated Developer Relations"))
    }

    /// The very names on Apple's certificates, as a forger would copy them (source: the certificates of the public
    /// samples; names prove nothing, keys do).
    package static func apples() throws -> SimulatedCertificateNames {
        SimulatedCertificateNames(
            root: try name("Apple Root CA - G3", unit: "Apple Certification Authority", organization: "Apple Inc."),
            intermediate: try name(
                "Apple Worldwide Developer Relations Certification Authority", unit: "G6", organization: "Apple Inc."),
            leaf: try name(
                "Prod ECC Mac App Store and iTunes Store Receipt Signing", unit: "Apple Worldwide Developer Relations",
                organization: "Apple Inc."))
    }

    private static func name(
        _ common: String, unit: String, organization: String = "App Store Simulator"
    ) throws -> DistinguishedName {
        try DistinguishedName {
            CommonName(common)
            OrganizationalUnitName(unit)
            OrganizationName(organization)
            CountryName("US")
        }
    }
}
