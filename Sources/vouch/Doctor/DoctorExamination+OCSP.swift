import AppStoreClient

extension DoctorExamination {
    /// Asks each OCSP host at the same time.
    func ocspFindings() async -> [DoctorFinding] {
        if let why = settings.obstacle([.ocsp, .ocspHosts]) { return [.notLookedAt(.ocsp, why)] }
        switch settings.appStore.ocsp {
        case .off: return [DoctorFinding.ocspIsOff]
        case .on(let hosts):
            let fetcher = OCSPFetcher(
                allowedHosts: hosts, httpClient: httpClient, version: Vouch.version, time: time)
            return await withTaskGroup(of: (Int, DoctorFinding).self) { group in
                for (index, host) in hosts.enumerated() {
                    group.addTask { (index, .ocsp(host: host, await answer(of: host, fetcher))) }
                }
                var findings: [(Int, DoctorFinding)] = []
                for await finding in group { findings.append(finding) }
                return findings.sorted { $0.0 < $1.0 }.map(\.1)
            }
        }
    }

    private func answer(of host: String, _ fetcher: OCSPFetcher) async -> DoctorOCSPAnswer {
        do throws(OCSPFetchError) {
            let response = try await fetcher.fetch(Self.ocspRequest, from: "http://\(host)\(Self.ocspPath)")
            // Every OCSPResponse is a DER SEQUENCE; pages of proxies begin with "<" or white space.
            return response.first == 0x30 ? .responded : .notOCSP
        } catch {
            return .failed(error)
        }
    }

    /// Where Apple's intermediate certificate says that its status is to be asked for.
    private static let ocspPath = "/ocsp03-applerootcag3"

    /// An OCSPRequest (RFC 6960, section 4.1.1) about Apple Worldwide Developer Relations Certification Authority G6,
    /// serial number 22C1A147…36CD7, issued by Apple Root CA - G3: the certificate in the middle of every chain.
    static let ocspRequest: [UInt8] = [
        0x30, 0x55, 0x30, 0x53, 0x30, 0x51, 0x30, 0x4F, 0x30, 0x4D, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02,
        0x1A,
        0x05, 0x00, 0x04, 0x14, 0x34, 0x3D, 0xF9, 0x6B, 0xA2, 0x06, 0x1F, 0xCE, 0x38, 0x15, 0xEC, 0xC0, 0x03, 0x17,
        0xE4,
        0x54, 0x50, 0x47, 0x30, 0x9B, 0x04, 0x14, 0xBB, 0xB0, 0xDE, 0xA1, 0x58, 0x33, 0x88, 0x9A, 0xA4, 0x8A, 0x99,
        0xDE,
        0xBE, 0xBD, 0xEB, 0xAF, 0xDA, 0xCB, 0x24, 0xAB, 0x02, 0x14, 0x22, 0xC1, 0xA1, 0x47, 0x0A, 0x74, 0x73, 0x69,
        0xEF,
        0x53, 0x86, 0x12, 0xC9, 0xC6, 0x9F, 0x3D, 0x38, 0xF3, 0x6C, 0xD7,
    ]
}
