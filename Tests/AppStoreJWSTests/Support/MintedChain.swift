import Crypto
import Foundation
import PurchaseCore
import SwiftASN1
import Synchronization
import X509

@testable import AppStoreJWS

/// What a minted chain looks like; each test changes one thing.
struct ChainRecipe {
    enum LeafKey { case p256, p384 }

    var leafKey = LeafKey.p256
    var leafOID = true
    var intermediateOID = true
    var leafValidity = (Moment.leafBegins, Moment.leafEnds)
    var intermediateValidity = (Moment.authorityBegins, Moment.authorityEnds)
    var leafIsAuthority = false
    var leafMaySign = true
    var intermediateIsAuthority = true
    var intermediateMaySignCertificates = true
    var intermediatePathLength: Int? = 0
    /// Adds a critical extension that nobody knows to the leaf.
    var leafUnknownCritical = false
    /// Another authority with the same names, and other keys.
    var foreign = false
    /// Subjects as Apple's certificates have them, instead of the test's own.
    var appleNames = true
    /// The leaf is signed by a key that isn't the intermediate's.
    var leafSignedByStranger = false
    /// The leaf names another issuer.
    var leafIssuerName: String?
    var leafOCSP: String? = "http://ocsp.example.test/leaf"
    var intermediateOCSP: String? = "http://ocsp.example.test/intermediate"
    /// The leaf's serial number: another number is another leaf.
    var leafSerial: Int64 = 4711
}

/// Keys that never change, so that a failure can be repeated.
enum TestKeys {
    static func p256(_ number: UInt8) -> P256.Signing.PrivateKey {
        // A constant scalar below the group's order is a key.
        try! P256.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: number, count: 32))
    }

    static func p384(_ number: UInt8) -> P384.Signing.PrivateKey {
        try! P384.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: number, count: 48))
    }
}

/// A root, an intermediate and a leaf with Apple's shape, and the leaf's key.
struct MintedChain {
    let recipe: ChainRecipe
    let root: Certificate
    let intermediate: Certificate
    let leaf: Certificate
    let rootKey: P384.Signing.PrivateKey
    let intermediateKey: P384.Signing.PrivateKey
    let leafKey: P256.Signing.PrivateKey
    let leafKey384: P384.Signing.PrivateKey

    init(_ recipe: ChainRecipe = ChainRecipe()) throws {
        let offset: UInt8 = recipe.foreign ? 100 : 0
        self.recipe = recipe
        rootKey = TestKeys.p384(1 + offset)
        intermediateKey = TestKeys.p384(2 + offset)
        leafKey = TestKeys.p256(3 + offset)
        leafKey384 = TestKeys.p384(4 + offset)
        let prefix = recipe.appleNames ? "" : "Test "
        let rootName = try Self.name(prefix + "Apple Root CA - G3")
        let intermediateName = try Self.name(prefix + "Apple Worldwide Developer Relations Certification Authority")
        let leafName = try Self.name(prefix + "Prod ECC Mac App Store and iTunes Store Receipt Signing")
        root = try Self.root(named: rootName, key: rootKey)
        intermediate = try Self.certificate(
            serial: 2, key: .init(intermediateKey.publicKey), subject: intermediateName, issuer: rootName,
            validity: recipe.intermediateValidity, issuerKey: .init(rootKey),
            extensions: try Self.intermediateExtensions(recipe))
        leaf = try Self.certificate(
            serial: recipe.leafSerial,
            key: recipe.leafKey == .p256 ? .init(leafKey.publicKey) : .init(leafKey384.publicKey), subject: leafName,
            issuer: try recipe.leafIssuerName.map(Self.name) ?? intermediateName, validity: recipe.leafValidity,
            issuerKey: .init(recipe.leafSignedByStranger ? TestKeys.p384(99) : intermediateKey),
            extensions: try Self.leafExtensions(recipe))
    }

    /// Root, intermediate and leaf as DER, leaf first.
    var x5c: [[UInt8]] {
        get throws { try [leaf, intermediate, root].map(der) }
    }

    var roots: TrustedRoots {
        get throws { try TrustedRoots(certificates: [der(root)]) }
    }

    /// ECDSA signatures differ each time, and a trusted root is compared byte for byte: one certificate per name and key.
    private static func root(named name: DistinguishedName, key: P384.Signing.PrivateKey) throws -> Certificate {
        try minted.withLock { minted in
            let id = "\(name) \(key.rawRepresentation.first ?? 0)"
            if let known = minted[id] { return known }
            let root = try certificate(
                serial: 1, key: .init(key.publicKey), subject: name, issuer: name,
                validity: (Moment.authorityBegins, Moment.authorityEnds), issuerKey: .init(key),
                extensions: .init {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                })
            minted[id] = root
            return root
        }
    }

    private static let minted = Mutex<[String: Certificate]>([:])

    static func name(_ commonName: String) throws -> DistinguishedName {
        try DistinguishedName {
            CommonName(commonName)
            OrganizationName("Apple Inc.")
            CountryName("US")
        }
    }

    static func certificate(
        serial: Int64, key: Certificate.PublicKey, subject: DistinguishedName, issuer: DistinguishedName,
        validity: (Instant, Instant), issuerKey: Certificate.PrivateKey, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(serial), publicKey: key, notValidBefore: date(validity.0),
            notValidAfter: date(validity.1), issuer: issuer, subject: subject, extensions: extensions,
            issuerPrivateKey: issuerKey)
    }

    private static func intermediateExtensions(_ recipe: ChainRecipe) throws -> Certificate.Extensions {
        var extensions = try Certificate.Extensions {
            if recipe.intermediateIsAuthority {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: recipe.intermediatePathLength))
            } else {
                Critical(BasicConstraints.notCertificateAuthority)
            }
            Critical(KeyUsage(keyCertSign: recipe.intermediateMaySignCertificates, cRLSign: true))
        }
        if let url = recipe.intermediateOCSP { try extensions.append(accessExtension(url)) }
        if recipe.intermediateOID { try extensions.append(marker([1, 2, 840, 113635, 100, 6, 2, 1])) }
        return extensions
    }

    private static func leafExtensions(_ recipe: ChainRecipe) throws -> Certificate.Extensions {
        var extensions = try Certificate.Extensions {
            if recipe.leafIsAuthority {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            } else {
                Critical(BasicConstraints.notCertificateAuthority)
            }
            Critical(KeyUsage(digitalSignature: recipe.leafMaySign, keyAgreement: !recipe.leafMaySign))
        }
        if let url = recipe.leafOCSP { try extensions.append(accessExtension(url)) }
        if recipe.leafOID { try extensions.append(marker([1, 2, 840, 113635, 100, 6, 11, 1])) }
        if recipe.leafUnknownCritical {
            try extensions.append(.init(oid: [1, 2, 3, 4, 5], critical: true, value: [5, 0]))
        }
        return extensions
    }

    private static func accessExtension(_ url: String) throws -> Certificate.Extension {
        try .init(
            AuthorityInformationAccess([.init(method: .ocspServer, location: .uniformResourceIdentifier(url))]),
            critical: false)
    }

    /// Apple's marker extensions hold an ASN.1 NULL.
    private static func marker(_ oid: ASN1ObjectIdentifier) -> Certificate.Extension {
        .init(oid: oid, critical: false, value: [5, 0])
    }

    private static func date(_ instant: Instant) -> Date {
        Date(timeIntervalSince1970: Double(instant.millisecondsSince1970) / 1_000)
    }
}

/// A certificate's DER.
func der(_ certificate: Certificate) throws -> [UInt8] {
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
}
