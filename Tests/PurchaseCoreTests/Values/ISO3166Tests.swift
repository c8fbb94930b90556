import PurchaseCore
import Testing

@Suite("Country codes")
struct ISO3166Tests {
    /// The App Store's 175 storefronts in November 2026, by their three letters.
    private static let storefronts = """
        AFG AGO AIA ALB ARE ARG ARM ATG AUS AUT AZE BEL BEN BFA BGR BHR BHS BIH BLR BLZ BMU BOL BRA BRB BRN BTN BWA CAN
        CHE CHL CHN CIV CMR COD COG COL CPV CRI CYM CYP CZE DEU DMA DNK DOM DZA ECU EGY ESP EST FIN FJI FRA FSM GAB GBR
        GEO GHA GMB GNB GRC GRD GTM GUY HKG HND HRV HUN IDN IND IRL IRQ ISL ISR ITA JAM JOR JPN KAZ KEN KGZ KHM KNA KOR
        KWT LAO LBN LBR LBY LCA LKA LTU LUX LVA MAC MAR MDA MDG MDV MEX MKD MLI MLT MMR MNE MNG MOZ MRT MSR MUS MWI MYS
        NAM NER NGA NIC NLD NOR NPL NRU NZL OMN PAK PAN PER PHL PLW PNG POL PRT PRY QAT ROU RUS RWA SAU SEN SGP SLB SLE
        SLV SRB STP SUR SVK SVN SWE SWZ SYC TCA TCD THA TJK TKM TON TTO TUN TUR TWN TZA UGA UKR URY USA UZB VCT VEN VGB
        VNM VUT XKS YEM ZAF ZMB ZWE
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    @Test("two letters and three say the same, in both directions, and nobody shares a code")
    func bijection() {
        #expect(ISO3166.pairs.count == 250)
        for (two, three) in ISO3166.pairs {
            #expect(two.utf8.count == 2 && three.utf8.count == 3, "\(two) \(three)")
            #expect((two + three).utf8.allSatisfy { (65...90).contains($0) }, "\(two) \(three)")
            #expect(ISO3166.alpha3(of: two) == three)
            #expect(ISO3166.alpha2(of: three) == two)
        }
        #expect(Set(ISO3166.pairs.map(\.alpha2)).count == 250)
        #expect(Set(ISO3166.pairs.map(\.alpha3)).count == 250)
    }

    @Test("every storefront of the App Store has two letters")
    func apple() {
        #expect(Set(Self.storefronts).count == 175)
        for storefront in Self.storefronts { #expect(ISO3166.alpha2(of: storefront) != nil, "\(storefront)") }
        #expect(ISO3166.alpha3(of: "US") == "USA" && ISO3166.alpha2(of: "XKS") == "XK")
        #expect(ISO3166.alpha3(of: "UK") == nil && ISO3166.alpha3(of: "us") == nil && ISO3166.alpha2(of: "") == nil)
    }
}
