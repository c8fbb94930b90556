import Crypto
import SwiftASN1
import X509

/// The roots that a chain may end in; nothing that a JWS brings along is ever added to them.
package struct TrustedRoots: Sendable {
    /// One trusted root.
    struct Root: Sendable {
        let der: [UInt8]
        let certificate: Certificate
    }

    /// Roots that one verifier may have; a bound for a configuration mistake, such as a whole CA bundle.
    package static let countMax = 16

    let roots: [Root]
    /// SHA-256 over the roots' fingerprints: keeps chains that were verified under other roots apart in a cache.
    let identity: [UInt8]

    /// Apple Root CA - G3, which all App Store JWS chain to, from this source code.
    package static let appleRootCAG3: TrustedRoots = {
        do throws(TrustedRootsError) {
            return try TrustedRoots(certificates: [AppleRootCAG3.der])
        } catch {
            // SAFETY: the bytes are a constant of this module, and a test verifies their fingerprint.
            preconditionFailure("the built-in root certificate can't be read")
        }
    }()

    /// Reads DER certificates; each must be a certificate authority that signed itself.
    package init(certificates: [[UInt8]]) throws(TrustedRootsError) {
        guard !certificates.isEmpty else { throw .empty }
        guard certificates.count <= Self.countMax else { throw .tooMany(certificates.count) }
        var roots: [Root] = []
        for (index, der) in certificates.enumerated() {
            let root = try Self.read(der, number: index + 1)
            if !roots.contains(where: { $0.der == der }) { roots.append(root) }
        }
        self.roots = roots
        var digest = SHA256()
        for fingerprint in roots.map({ Array(SHA256.hash(data: $0.der)) }).sorted(by: {
            $0.lexicographicallyPrecedes($1)
        }) {
            digest.update(data: fingerprint)
        }
        self.identity = Array(digest.finalize())
    }

    /// Reads a file's content: one DER certificate, or PEM text with one or more.
    package init(file bytes: [UInt8]) throws(TrustedRootsError) {
        // DER starts with a SEQUENCE of more than 127 bytes, whose second byte no text has.
        if bytes.count >= 2, bytes[0] == 0x30, bytes[1] >= 0x80 {
            self = try TrustedRoots(certificates: [bytes])
            return
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notCertificates }
        let documents: [PEMDocument]
        do { documents = try PEMDocument.parseMultiple(pemString: text) } catch { throw .notCertificates }
        guard documents.allSatisfy({ $0.discriminator == "CERTIFICATE" }) else { throw .notCertificates }
        self = try TrustedRoots(certificates: documents.map(\.derBytes))
    }

    /// Whether these are exactly the built-in roots; a service that talks to Apple's hosts insists on it.
    package var isBuiltIn: Bool { identity == Self.appleRootCAG3.identity }

    /// SHA-256 of each root, as certificate tools print it: upper-case hexadecimal, colons between the bytes.
    package var fingerprints: [String] { roots.map { Self.fingerprint(of: $0.der) } }

    /// SHA-256 of a DER certificate, as certificate tools print it.
    package static func fingerprint(of der: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF")
        return SHA256.hash(data: der).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 0xF)])" }.joined(separator: ":")
    }

    /// The trusted root with exactly these bytes.
    func root(matching der: [UInt8]) -> Root? { roots.first { $0.der == der } }

    private static func read(_ der: [UInt8], number: Int) throws(TrustedRootsError) -> Root {
        let certificate: Certificate
        do { certificate = try Certificate(derEncoded: der) } catch { throw .unreadable(number) }
        guard case .isCertificateAuthority = try? certificate.extensions.basicConstraints else {
            throw .notAuthority(number)
        }
        guard certificate.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw .notSelfSigned(number)
        }
        return Root(der: der, certificate: certificate)
    }
}

/// Why certificates can't be trusted as roots; the description says what to do.
package enum TrustedRootsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no certificate.
    case empty
    /// There are more than ``TrustedRoots/countMax``.
    case tooMany(Int)
    /// Neither DER nor PEM certificates.
    case notCertificates
    /// The n-th certificate (from 1) can't be parsed.
    case unreadable(Int)
    /// The n-th certificate isn't a certificate authority.
    case notAuthority(Int)
    /// The n-th certificate isn't a root: it isn't signed by itself.
    case notSelfSigned(Int)

    /// A sentence that says what is wrong with the file.
    package var description: String {
        switch self {
        case .empty: "there is no certificate"
        case .tooMany(let count):
            "there are \(count) certificates; at most \(TrustedRoots.countMax) roots can be trusted"
        case .notCertificates: "it is neither a DER certificate nor PEM text with BEGIN CERTIFICATE blocks"
        case .unreadable(let number): "certificate \(number) can't be parsed"
        case .notAuthority(let number): "certificate \(number) is not a certificate authority"
        case .notSelfSigned(let number): "certificate \(number) is not a root: it has not signed itself"
        }
    }
}
