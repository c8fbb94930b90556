import Crypto
import SwiftASN1
@_spi(DisableValidityCheck) import X509

/// Apple's marker extensions.
///
/// Other Apple certificates chain to the same root, for other purposes and with keys that other people hold; only these
/// two together mark a signer of App Store data.
enum AppleOID {
    /// On the leaf: Mac App Store receipt signing.
    static let receiptSigning: ASN1ObjectIdentifier = [1, 2, 840, 113635, 100, 6, 11, 1]
    /// On the intermediate: Apple Worldwide Developer Relations.
    static let developerRelations: ASN1ObjectIdentifier = [1, 2, 840, 113635, 100, 6, 2, 1]
}

extension VerifiedChain {
    /// Proves a chain, steps `certificates` to `appleOIDs`.
    ///
    /// About 1.2 ms of one core, most of it two P-384 signatures.
    static func verifying(
        _ x5c: [[UInt8]], roots: TrustedRoots
    ) async throws(VerificationFailure) -> VerifiedChain {
        var certificates: [Certificate] = []
        for (position, der) in x5c.enumerated() {
            do { certificates.append(try certificate(der)) } catch {
                throw VerificationFailure(.certificateMalformed, "x5c[\(position)] is not a DER certificate")
            }
        }
        guard certificates.count == JOSEHeader.certificateCount else {
            throw VerificationFailure(.certificateCount, "\(certificates.count) certificates")
        }
        let (leaf, intermediate) = (certificates[0], certificates[1])
        guard let leafKey = P256.Signing.PublicKey(leaf.publicKey) else {
            throw VerificationFailure(.leafKeyNotP256, "the leaf's key is not on P-256, so it can't sign ES256")
        }
        // The third certificate is only compared: trust comes from the configured root with the same bytes.
        guard let root = roots.root(matching: x5c[2])?.certificate else {
            throw VerificationFailure(.rootUntrusted, "x5c[2] is not a trusted root")
        }
        try await checkPath(leaf: leaf, intermediate: intermediate, root: root)
        try checkAppleOIDs(leaf: leaf, intermediate: intermediate)
        return VerifiedChain(
            leafKey: leafKey, leaf: leaf, intermediate: intermediate, root: root, leafDER: x5c[0],
            intermediateDER: x5c[1], leafValidity: CertificateValidity(leaf),
            intermediateValidity: CertificateValidity(intermediate), rootValidity: CertificateValidity(root))
    }

    /// Parses a certificate strictly.
    ///
    /// The library reads over the number of unused bits in the signature's BIT STRING, which no signature covers; DER
    /// signatures have none, and one certificate should have one spelling.
    private static func certificate(_ der: [UInt8]) throws -> Certificate {
        let node = try DER.parse(der)
        let unusedBits = try DER.sequence(node, identifier: .sequence) { nodes in
            (_, _) = (nodes.next(), nodes.next())
            return try ASN1BitString(derEncoded: &nodes).paddingBits
        }
        guard unusedBits == 0 else { throw ASN1Error.invalidASN1Object(reason: "unused bits in a signature") }
        return try Certificate(derEncoded: node)
    }

    private static func checkPath(
        leaf: Certificate, intermediate: Certificate, root: Certificate
    ) async throws(VerificationFailure) {
        guard leaf.issuer == intermediate.subject else {
            throw VerificationFailure(.issuerMismatch, "the leaf names another issuer than x5c[1]")
        }
        guard intermediate.issuer == root.subject else {
            throw VerificationFailure(.issuerMismatch, "the intermediate names another issuer than the trusted root")
        }
        try checkUsage(leaf: leaf, intermediate: intermediate)
        var verifier = Verifier(rootCertificates: CertificateStore([root])) {
            // Dates are checked per evidence, see `checkValidity(at:)`.
            RFC5280Policy.withValidityCheckDisabled()
        }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore([intermediate])) {
        case .validCertificate(let chain):
            // The library prefers short paths; only the one that x5c spells out is Apple's.
            guard Array(chain) == [leaf, intermediate, root] else {
                throw VerificationFailure(.chainPolicy, "the chain has \(chain.count) certificates; Apple's has 3")
            }
        case .couldNotValidate(let failures):
            // The library's reasons are sentences, with the certificates' names in them; ours are typed and show nothing.
            guard failures.isEmpty else {
                throw VerificationFailure(.chainPolicy, "the chain breaks a rule of RFC 5280")
            }
            for (name, certificate, issuer) in [("leaf", leaf, intermediate), ("intermediate", intermediate, root)]
            where !issuer.publicKey.isValidSignature(certificate.signature, for: certificate) {
                throw VerificationFailure(
                    .certificateSignatureInvalid, "the \(name) certificate is not signed by the next one")
            }
            throw VerificationFailure(.chainPolicy, "a certificate has a critical extension that is not understood")
        }
    }

    /// What the library leaves out: the leaf is no authority, and each key may do what it does here.
    ///
    /// Extensions that are absent restrict nothing; the CA flag of the issuers is the library's.
    private static func checkUsage(leaf: Certificate, intermediate: Certificate) throws(VerificationFailure) {
        do {
            if case .isCertificateAuthority = try leaf.extensions.basicConstraints {
                throw VerificationFailure(.chainPolicy, "the leaf is a certificate authority")
            }
            if let usage = try leaf.extensions.keyUsage, !usage.digitalSignature {
                throw VerificationFailure(.chainPolicy, "the leaf's key may not sign")
            }
            if let usage = try intermediate.extensions.keyUsage, !usage.keyCertSign {
                throw VerificationFailure(.chainPolicy, "the intermediate's key may not sign certificates")
            }
        } catch let failure as VerificationFailure {
            throw failure
        } catch {
            throw VerificationFailure(.chainPolicy, "a certificate's extensions can't be read")
        }
    }

    private static func checkAppleOIDs(leaf: Certificate, intermediate: Certificate) throws(VerificationFailure) {
        guard leaf.extensions[oid: AppleOID.receiptSigning] != nil else {
            throw VerificationFailure(.leafOIDMissing, "the leaf has no extension 1.2.840.113635.100.6.11.1")
        }
        guard intermediate.extensions[oid: AppleOID.developerRelations] != nil else {
            throw VerificationFailure(
                .intermediateOIDMissing, "the intermediate has no extension 1.2.840.113635.100.6.2.1")
        }
    }
}
