/// Countries and regions by their two codes (ISO 3166-1): Apple's payloads have three letters, its reports two.
///
/// Source: ISO 3166-1:2020 with the officially assigned codes as of 2026-01, and XK and XKS for Kosovo, which ISO leaves
/// to its users and Apple's storefront has.
package enum ISO3166 {
    /// The three letters for two, such as `USA` for `US`; `nil` for a code that the table doesn't have.
    package static func alpha3(of alpha2: String) -> String? { byAlpha2[alpha2] }

    /// The two letters for three, such as `US` for `USA`; `nil` for a code that the table doesn't have.
    package static func alpha2(of alpha3: String) -> String? { byAlpha3[alpha3] }

    /// Every pair of the table, in the order of the two letters.
    package static let pairs: [(alpha2: String, alpha3: String)] = table.split(whereSeparator: \.isWhitespace).map {
        (String($0.prefix(2)), String($0.dropFirst(2)))
    }

    private static let byAlpha2 = Dictionary(uniqueKeysWithValues: pairs.map { ($0.alpha2, $0.alpha3) })
    private static let byAlpha3 = Dictionary(uniqueKeysWithValues: pairs.map { ($0.alpha3, $0.alpha2) })

    /// Two letters and three, without a gap.
    private static let table = """
        ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE
        BABIH BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT
        BWBWA BYBLR BZBLZ
        CACAN CCCCK CDCOD CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP
        CZCZE
        DEDEU DJDJI DKDNK DMDMA DODOM DZDZA
        ECECU EEEST EGEGY EHESH ERERI ESESP ETETH
        FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA
        GAGAB GBGBR GDGRD GEGEO GFGUF GGGGY GHGHA GIGIB GLGRL GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB
        GYGUY
        HKHKG HMHMD HNHND HRHRV HTHTI HUHUN
        IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA
        JEJEY JMJAM JOJOR JPJPN
        KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ
        LALAO LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY
        MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS
        MVMDV MWMWI MXMEX MYMYS MZMOZ
        NANAM NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU NZNZL
        OMOMN
        PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY
        QAQAT
        REREU ROROU RSSRB RURUS RWRWA
        SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD STSTP SVSLV
        SXSXM SYSYR SZSWZ
        TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA
        UAUKR UGUGA UMUMI USUSA UYURY UZUZB
        VAVAT VCVCT VEVEN VGVGB VIVIR VNVNM VUVUT
        WFWLF WSWSM
        XKXKS
        YEYEM YTMYT
        ZAZAF ZMZMB ZWZWE
        """
}
