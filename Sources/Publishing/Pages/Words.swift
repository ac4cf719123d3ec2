import Marketplace

/// Numbers, dates and prices as words. One language, no locale, no ICU: the same bytes everywhere.
enum Words {
    /// `12,345`.
    static func count(_ number: Int) -> String { GroupedDigits.text(Int64(number)) }

    /// `1 version`, `3 versions`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// `812 B`, `12.3 KiB`, `4.0 MiB`; one decimal place, cut, not rounded.
    static func bytes(_ bytes: Int) -> String {
        if bytes < 1_024 { return "\(bytes) B" }
        let (unit, name) = bytes < 1_048_576 ? (1_024, "KiB") : (1_048_576, "MiB")
        return "\(count(bytes / unit)).\(bytes % unit * 10 / unit) \(name)"
    }

    /// The civil date of an RFC 3339 instant.
    static func day(_ instant: String) -> String { String(instant.prefix(10)) }

    /// `2026-01-31 12:00 UTC`.
    static func minute(_ instant: String) -> String {
        guard instant.utf8.count >= 16 else { return instant }
        return "\(instant.prefix(10)) \(instant.dropFirst(11).prefix(5)) UTC"
    }

    /// `4.3` from a sum of stars and their count.
    static func mean(_ rating: RatingSummary) -> String {
        let tenths = tenths(rating)
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// The mean in tenths, rounded half up, drawn towards the middle as the registry does: as if five more customers
    /// had given 3.5 stars. 0 where nobody rated.
    static func tenths(_ rating: RatingSummary) -> Int {
        guard rating.count > 0 else { return 0 }
        let count = rating.count + 5
        return ((rating.sum * 10 + 175) * 2 + count) / (count * 2)
    }

    /// The first twelve digits of a digest.
    static func short(_ digest: String) -> String { String(digest.prefix(12)) }

    /// A plural in reading: `call`, `API call`, `ms`, …
    static func metric(_ metric: String) -> String {
        switch metric {
        case "calls": "calls"
        case "apiCalls": "API calls"
        case "executionMs": "ms of run time"
        case "bytes": "bytes"
        case "storageByteHours": "byte-hours of storage"
        case "amount": "of the amounts it reports"
        default: metric
        }
    }

    /// For one of them: `a call`, `an API call`.
    static func each(_ metric: String) -> String {
        switch metric {
        case "calls": "a call"
        case "apiCalls": "an API call"
        case "executionMs": "a ms"
        case "bytes": "a byte"
        case "storageByteHours": "a byte-hour"
        default: "a \(metric)"
        }
    }

    /// Compares two non-negative decimal strings.
    static func isLess(_ a: String, _ b: String) -> Bool {
        func parts(_ text: String) -> (String, String) {
            let split = text.split(separator: ".", omittingEmptySubsequences: false)
            let whole = split[0].drop { $0 == "0" }
            return (String(whole), split.count > 1 ? String(split[1]) : "")
        }
        let (a, b) = (parts(a), parts(b))
        if a.0.count != b.0.count { return a.0.count < b.0.count }
        return a.0 != b.0 ? a.0 < b.0 : a.1 < b.1
    }

    static func isZero(_ amount: String) -> Bool { amount.allSatisfy { $0 == "0" || $0 == "." } }
}

/// A price list in a few words.
enum PriceWords {
    static func interval(_ interval: String) -> String {
        switch interval {
        case "month": "a month"
        case "year": "a year"
        case "once": "once"
        default: interval
        }
    }

    /// For a card: the least that it costs.
    static func summary(_ pricing: PricingInfo) -> String {
        let costing = pricing.plans.filter { !Words.isZero($0.amount) }
            .sorted { Words.isLess($0.amount, $1.amount) }
        let hasFree = pricing.plans.contains { Words.isZero($0.amount) && $0.charges.isEmpty }
        if let least = costing.first {
            let price = "\(least.amount) \(pricing.currency) \(interval(least.interval))"
            if hasFree { return "Free, or \(price)" }
            return costing.count > 1 ? "From \(price)" : price
        }
        if let charge = pricing.plans.flatMap(\.charges).first {
            return hasFree ? "Free, then by use" : "By use: \(self.charge(charge, pricing.currency))"
        }
        return "Free"
    }

    /// `0.002 USD a call`.
    static func charge(_ charge: ChargeInfo, _ currency: String) -> String {
        guard let tier = charge.tiers.first else { return Words.metric(charge.metric) }
        if charge.scheme == "percentage" { return "\(tier.unitAmount) % of reported amounts" }
        if let size = tier.packageSize {
            return
                "\(tier.unitAmount) \(currency) for each \(Words.count(size)) \(Words.metric(charge.metric))"
        }
        return "\(tier.unitAmount) \(currency) \(Words.each(charge.metric))"
    }

    /// One line for each tier.
    static func lines(_ charge: ChargeInfo, _ currency: String) -> [String] {
        guard charge.tiers.count > 1 else { return [self.charge(charge, currency)] }
        var from = 1
        var lines: [String] = []
        for tier in charge.tiers {
            let unit = "\(tier.unitAmount) \(currency) \(Words.each(charge.metric))"
            if let upTo = tier.upTo {
                lines.append("\(Words.count(from)) to \(Words.count(upTo)): \(unit)")
                from = upTo + 1
            } else {
                lines.append("from \(Words.count(from)): \(unit)")
            }
        }
        if charge.scheme == "volume" { lines.append("the tier of the month's total holds for all of it") }
        return lines
    }

    /// The price model's shelf.
    static func shelf(_ pricing: PricingInfo) -> String {
        if pricing.plans.allSatisfy({ Words.isZero($0.amount) && $0.charges.isEmpty }) { return "free" }
        return pricing.model
    }
}

/// What a permission means, in words that a customer decides by.
enum PlainWords {
    static func permission(_ row: PermissionRow) -> String {
        guard let operation = Permission.Operation(rawValue: row.operation) else {
            return "\(row.operation) \(row.target)"
        }
        let isData = operation == .readData || operation == .writeData
        return Permission(
            operation: operation, entity: isData ? row.target : nil,
            workflow: operation == .triggerWorkflow ? row.target : nil,
            host: operation == .fetch ? row.target : nil, methods: row.methods.isEmpty ? nil : row.methods,
            purpose: row.purpose
        ).plainWords
    }

    /// What follows from the three columns of the table.
    static func consequence(_ row: PermissionRow) -> String {
        if !row.consequence.isEmpty { return row.consequence }
        if !row.declared { return "used but not declared: the proxy refuses it" }
        switch row.change {
        case .added: return "new: needs the customer's consent"
        case .changed: return "changed: needs the customer's consent"
        case .removed: return "no longer asked for"
        case .first, .same: break
        }
        if row.detected.isEmpty && row.observed == 0 { return "declared but never used: should be dropped" }
        if row.observed == 0 { return "in the code, not seen in the trial" }
        return row.operation == "fetch" ? "data may leave to this host" : "as declared"
    }

    /// 0 none, 1 reads, 2 changes, 3 sends out.
    static func accessLevel(_ rows: [PermissionRow]) -> Int {
        var level = 0
        for row in rows where row.declared && row.change != .removed {
            switch row.operation {
            case "readData": level = max(level, 1)
            case "fetch": level = 3
            default: level = max(level, 2)
            }
        }
        return level
    }

    static let accessIDs = ["none", "reads", "changes", "network"]
    static let accessTitles = ["No access", "Reads data", "Changes data", "Talks to other hosts"]
}
