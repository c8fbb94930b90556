extension DoctorFinding {
    /// From here on a difference of clocks is worth a warning.
    static let skewToWarn = Duration.seconds(30)
    /// From here on tokens are refused and evidence stays undetermined.
    static let skewOfFault = Duration.seconds(300)

    /// Our clock against another (positive: ours is ahead).
    static func clock(_ check: DoctorCheck, skew: Duration, against other: String) -> DoctorFinding {
        let distance = skew < .zero ? .zero - skew : skew
        let seconds = Int64((distance / .seconds(1)).rounded())
        let detail = "this machine's clock is \(seconds) s \(skew < .zero ? "behind" : "ahead of") \(other)"
        let fix = "keep the clocks right with NTP (chrony or systemd-timesyncd), on every machine of the deployment"
        if distance > skewOfFault { return .fault(check, detail, fix: fix) }
        if distance > skewToWarn { return .warning(check, detail, fix: fix) }
        return .ok(check, detail)
    }

    /// Our clock against Apple's, by the largest difference that was measured.
    static func clockAppStore(skews: [Duration]) -> DoctorFinding {
        let largest = skews.max { left, right in
            (left < .zero ? .zero - left : left) < (right < .zero ? .zero - right : right)
        }
        guard let largest else {
            return .unknown(
                .clockAppStore, "no answer of the App Store showed the time",
                fix: "see app_store_production and app_store_sandbox")
        }
        return .clock(.clockAppStore, skew: largest, against: "the App Store's")
    }
}
