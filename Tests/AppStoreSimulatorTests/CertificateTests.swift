import AppStoreSimulator
import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@Suite("Certificates and signatures")
struct CertificateTests {
    private let clock = TestClock()

    @Test("a signed transaction passes every step of verification")
    func goodOneVerifies() async throws {
        let simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let inspection = try SignedInspection(receipt.signedTransaction)
        #expect(try await inspection.defects(under: simulator.keys.authority.root) == [])
        #expect(inspection.certificates.count == 3)
        #expect(inspection.certificates[2] == simulator.keys.authority.root)
    }

    @Test("the chain has the shape of Apple's")
    func shape() throws {
        let simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        let (leaf, intermediate, root) = try {
            let certificates = simulator.signingChain.certificates
            try #require(certificates.count == 3)
            return (certificates[0], certificates[1], certificates[2])
        }()
        for certificate in [leaf, intermediate, root] {
            #expect(certificate.signatureAlgorithm == .ecdsaWithSHA384)
            #expect(certificate.version == .v3)
            #expect(try certificate.extensions.extendedKeyUsage == nil)
            #expect(try certificate.extensions.authorityInformationAccess == nil)
        }
        #expect(P256.Signing.PublicKey(leaf.publicKey) != nil)
        #expect(P384.Signing.PublicKey(intermediate.publicKey) != nil)
        #expect(P384.Signing.PublicKey(root.publicKey) != nil)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try intermediate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try root.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: nil))
        #expect(leaf.issuer == intermediate.subject && intermediate.issuer == root.subject)
        #expect("\(root.subject)".contains("Simulated App Store Root"))
    }

    /// What a careful verifier must find in each forgery: one defect, and what follows from it by necessity.
    static let expected: [(SimulatedForgery, Set<SignedInspection.Defect>)] = [
        (.signature, [.signature]),
        (.payload, [.signature]),
        (.foreignRoot, [.path]),
        (.missingLeafOID, [.leafMarker]),
        (.missingIntermediateOID, [.intermediateMarker]),
        (.chain1, [.chainLength, .path]),
        (.chain2, [.chainLength]),
        (.chain4, [.chainLength]),
        (.expiredLeaf, [.path]),
        (.swappedLeaf, [.path]),
        (.algNone, [.algorithm, .signature]),
        (.algHS256, [.algorithm, .signature]),
        (.algRS256, [.algorithm]),
        (.derSignature, [.signature]),
        (.p384Leaf, [.leafKey]),
    ]

    @Test("each forgery has its own defect and no other", arguments: expected)
    func forgery(kind: SimulatedForgery, defects: Set<SignedInspection.Defect>) async throws {
        let simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let forged = try simulator.signedTransaction(receipt.transactionID, forgery: kind)
        let inspection = try SignedInspection(forged)
        #expect(try await inspection.defects(under: simulator.keys.authority.root) == defects)
        #expect(inspection.string("transactionId") == receipt.transactionID)
    }

    @Test("every forgery is in the table above")
    func tableIsComplete() {
        #expect(Set(Self.expected.map(\.0)) == Set(SimulatedForgery.allCases))
    }

    @Test("a forger's root copies Apple's names and nothing else")
    func foreignRootNames() throws {
        let simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        let signed = try simulator.sign(["transactionId": "1"], forgery: .foreignRoot)
        let certificates = try SignedInspection(signed).certificates
        try #require(certificates.count == 3)
        #expect("\(certificates[2].subject)".contains("Apple Root CA - G3"))
        #expect("\(certificates[1].subject)".contains("Apple Worldwide Developer Relations Certification Authority"))
        #expect("\(certificates[0].subject)".contains("Prod ECC Mac App Store and iTunes Store Receipt Signing"))
    }

    @Test("new certificates come from the same root")
    func rotation() async throws {
        let simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let before = simulator.signingChain
        try simulator.rotateCertificates()
        #expect(before.certificates[0] != simulator.signingChain.certificates[0])
        #expect(before.certificates[2] == simulator.signingChain.certificates[2])
        let signed = try simulator.signedTransaction(receipt.transactionID)
        #expect(try await SignedInspection(signed).defects(under: simulator.keys.authority.root) == [])
    }

    @Test("a chain can name an OCSP responder")
    func ocspURI() throws {
        let keys = try SimulatorKeys.inMemory(clock: clock.simulatorClock)
        var options = SimulatedCertificateAuthority.ChainOptions()
        options.ocspURI = "http://127.0.0.1:1/ocsp"
        let chain = try keys.authority.issueChain(options, now: Date(timeIntervalSince1970: 1_800_000_000))
        for certificate in chain.certificates.prefix(2) {
            let access = try #require(try certificate.extensions.authorityInformationAccess)
            #expect(access.map(\.location) == [.uniformResourceIdentifier("http://127.0.0.1:1/ocsp")])
        }
    }
}

@Suite("The simulator's directory")
struct DirectoryTests {
    private func temporaryDirectory() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("simulator-\(UUID().uuidString)").path
    }

    @Test("root and key are made on the first run and used again on the next")
    func reuse() throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let first = try SimulatorKeys.loadOrCreate(directory: directory)
        let second = try SimulatorKeys.loadOrCreate(directory: directory)
        #expect(first.authority.root == second.authority.root)
        #expect(first.privateKeyPEM == second.privateKeyPEM)
        #expect(second.privateKeyFile == directory + "/AuthKey_SIMULATOR1.p8")

        let pem = try String(contentsOfFile: directory + "/root.pem", encoding: .utf8)
        #expect(try Certificate(pemEncoded: pem) == first.authority.root)
        let der = try Data(contentsOf: URL(fileURLWithPath: directory + "/root.cer"))
        #expect(try Certificate(derEncoded: Array(der)) == first.authority.root)
        let key = try String(contentsOfFile: directory + "/AuthKey_SIMULATOR1.p8", encoding: .utf8)
        #expect(key.hasPrefix("-----BEGIN PRIVATE KEY-----"))
    }

    @Test("private keys are readable by their owner alone", arguments: ["root.key.pem", "AuthKey_SIMULATOR1.p8"])
    func permissions(name: String) throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        _ = try SimulatorKeys.loadOrCreate(directory: directory)
        let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + name)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test("a damaged file is named", arguments: ["root.pem", "root.key.pem", "AuthKey_SIMULATOR1.p8"])
    func damage(name: String) throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        _ = try SimulatorKeys.loadOrCreate(directory: directory)
        try Data("nonsense".utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
        let error = #expect(throws: SimulatorError.self) { try SimulatorKeys.loadOrCreate(directory: directory) }
        #expect(error?.description.contains(directory) == true)
    }
}
