package import Crypto
package import FoundationEssentials
import SwiftASN1
package import X509

/// A root of its own, and the chains that it issues: good ones in Apple's shape, and ones with one chosen defect.
///
/// Apple's shape (source: the certificates that the public samples carry): P-384 root and intermediate, P-256 leaf,
/// every signature ecdsa-with-SHA384, the intermediate marked 1.2.840.113635.100.6.2.1 and the leaf
/// 1.2.840.113635.100.6.11.1, both with the value NULL.
package struct SimulatedCertificateAuthority: Sendable {
    private static let intermediateMarker: ASN1ObjectIdentifier = [1, 2, 840, 113635, 100, 6, 2, 1]
    private static let leafMarker: ASN1ObjectIdentifier = [1, 2, 840, 113635, 100, 6, 11, 1]

    /// What a chain looks like; the default is a good one.
    package struct ChainOptions: Sendable {
        /// Whether the leaf carries Apple's leaf OID.
        package var hasLeafMarker = true
        /// Whether the intermediate carries Apple's intermediate OID.
        package var hasIntermediateMarker = true
        /// The leaf's validity in milliseconds relative to now; Apple's leaves live about 25 months.
        package var leafValidity: ClosedRange<Int64> = (-365 * Milliseconds.day)...(395 * Milliseconds.day)
        /// The intermediate's validity in milliseconds relative to now.
        package var intermediateValidity: ClosedRange<Int64> = (-730 * Milliseconds.day)...(3650 * Milliseconds.day)
        /// Whether the leaf's key is P-384 instead of P-256.
        package var leafIsP384 = false
        /// How many intermediates stand between root and leaf: 0, 1 or 2.
        ///
        /// With 2 the first one isn't the last CA.
        package var intermediatesCount = 1
        /// The OCSP responder that leaf and intermediate name; `nil`: none, so there is nothing to ask.
        package var ocspURI: String?

        /// A good chain.
        package init() {}
    }

    /// The root's private key.
    package let rootKey: P384.Signing.PrivateKey
    /// The self-signed root; trusting it means trusting everything this simulator says.
    package let root: Certificate
    private let names: SimulatedCertificateNames

    /// Makes a new root, valid from two years before `now` to twenty years after.
    ///
    /// Throws X509's and CryptoKit's errors.
    package init(names: SimulatedCertificateNames, now: Date) throws {
        let key = P384.Signing.PrivateKey()
        self.rootKey = key
        self.names = names
        self.root = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-730 * 86_400),
            notValidAfter: now.addingTimeInterval(7300 * 86_400),
            issuer: names.root,
            subject: names.root,
            signatureAlgorithm: .ecdsaWithSHA384,
            extensions: try Certificate.Extensions {
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
    }

    /// Takes up a root that was made earlier.
    ///
    /// Throws when the key isn't the certificate's.
    package init(rootKey: P384.Signing.PrivateKey, root: Certificate) throws {
        guard root.publicKey == Certificate.PublicKey(rootKey.publicKey) else {
            throw SimulatorError.material("the root's private key doesn't belong to the root certificate")
        }
        self.rootKey = rootKey
        self.root = root
        var names = try SimulatedCertificateNames.simulated()
        names = SimulatedCertificateNames(root: root.subject, intermediate: names.intermediate, leaf: names.leaf)
        self.names = names
    }

    /// Issues a chain; keys and serial numbers are new each time.
    ///
    /// Throws X509's and CryptoKit's errors.
    package func issueChain(_ options: ChainOptions = ChainOptions(), now: Date) throws -> SimulatedSigningChain {
        var issuerKey = rootKey
        var issuerName = root.subject
        var authorities: [Certificate] = []
        for level in 0..<options.intermediatesCount {
            let isLast = level == options.intermediatesCount - 1
            let key = P384.Signing.PrivateKey()
            let subject = isLast ? names.intermediate : try Self.higherIntermediate(level)
            let certificate = try issueIntermediate(
                key: key, subject: subject, issuerName: issuerName, issuerKey: issuerKey,
                pathLength: options.intermediatesCount - 1 - level, options: options, now: now)
            authorities.insert(certificate, at: 0)
            issuerKey = key
            issuerName = subject
        }
        let leafKey: SimulatedSigningKey = options.leafIsP384 ? .p384(.init()) : .p256(.init())
        let leaf = try issueLeaf(
            key: leafKey, issuerName: issuerName, issuerKey: issuerKey, options: options, now: now)
        return try SimulatedSigningChain(certificates: [leaf] + authorities + [root], leafKey: leafKey)
    }

    private static func higherIntermediate(_ level: Int) throws -> DistinguishedName {
        try DistinguishedName {
            CommonName("Simulated App Store Intermediate above \(level)")
            OrganizationName("App Store Simulator")
            CountryName("US")
        }
    }

    private func issueIntermediate(
        key: P384.Signing.PrivateKey, subject: DistinguishedName, issuerName: DistinguishedName,
        issuerKey: P384.Signing.PrivateKey, pathLength: Int, options: ChainOptions, now: Date
    ) throws -> Certificate {
        var extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: pathLength))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            AuthorityKeyIdentifier(keyIdentifier: try Self.keyIdentifier(of: issuerKey))
        }
        try Self.append(marker: options.hasIntermediateMarker ? Self.intermediateMarker : nil, to: &extensions)
        try Self.append(ocspURI: options.ocspURI, to: &extensions)
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.advanced(byMilliseconds: options.intermediateValidity.lowerBound),
            notValidAfter: now.advanced(byMilliseconds: options.intermediateValidity.upperBound),
            issuer: issuerName,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA384,
            extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
    }

    private func issueLeaf(
        key: SimulatedSigningKey, issuerName: DistinguishedName, issuerKey: P384.Signing.PrivateKey,
        options: ChainOptions, now: Date
    ) throws -> Certificate {
        var extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            SubjectKeyIdentifier(hash: key.publicKey)
            AuthorityKeyIdentifier(keyIdentifier: try Self.keyIdentifier(of: issuerKey))
        }
        try Self.append(marker: options.hasLeafMarker ? Self.leafMarker : nil, to: &extensions)
        try Self.append(ocspURI: options.ocspURI, to: &extensions)
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.advanced(byMilliseconds: options.leafValidity.lowerBound),
            notValidAfter: now.advanced(byMilliseconds: options.leafValidity.upperBound),
            issuer: issuerName,
            subject: names.leaf,
            signatureAlgorithm: .ecdsaWithSHA384,
            extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
    }

    private static func keyIdentifier(of key: P384.Signing.PrivateKey) throws -> ArraySlice<UInt8> {
        SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey)).keyIdentifier
    }

    private static func append(marker: ASN1ObjectIdentifier?, to extensions: inout Certificate.Extensions) throws {
        guard let marker else { return }
        // DER of NULL: tag 5, length 0.
        try extensions.append(Certificate.Extension(oid: marker, critical: false, value: [0x05, 0x00]))
    }

    private static func append(ocspURI: String?, to extensions: inout Certificate.Extensions) throws {
        guard let ocspURI else { return }
        let access = AuthorityInformationAccess([
            .init(method: .ocspServer, location: .uniformResourceIdentifier(ocspURI))
        ])
        try extensions.append(Certificate.Extension(access, critical: false))
    }
}

extension Date {
    /// This instant, moved by milliseconds.
    fileprivate func advanced(byMilliseconds milliseconds: Int64) -> Date {
        addingTimeInterval(Double(milliseconds) / 1000)
    }
}
