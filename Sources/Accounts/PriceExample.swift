import Billing
public import Marketplace
public import Publishing

/// A month's bill worked out by the rater that the nights use, for the plugin's page.
public enum PriceExample {
    /// Quantities of a month that show something: beyond what is included, into a second tier where there is one.
    static func quantity(_ charge: Charge, included: Int64) -> Int64 {
        let first = charge.tiers?.first?.upTo
        let beyond = first.map { $0 + max(1, $0 / 2) } ?? charge.packageSize.map { $0 * 5 / 2 } ?? 2_500
        return included + beyond
    }

    /// An example on the dearest-by-month plan that costs something; nil where nothing costs.
    public static func of(_ pricing: Pricing) -> WorkedExample? {
        let costing = pricing.plans.filter { plan in
            plan.interval != .year
                && ((Money(plan.amount, pricing.currency)?.minor ?? 0) > 0 || !(plan.charges ?? []).isEmpty)
        }
        guard let plan = costing.first(where: { !($0.charges ?? []).isEmpty }) ?? costing.first else {
            return nil
        }
        return try? example(plan, pricing.currency)
    }

    private static func example(_ plan: Plan, _ currency: Currency) throws(BillingError) -> WorkedExample {
        var lines: [PriceLine] = []
        var used: [String] = []
        var total = Money.zero(currency)
        if let base = Money(plan.amount, currency), base.minor > 0 {
            let words = plan.interval == .once ? "once" : "for the month"
            lines.append(PriceLine(label: "Plan \(plan.id), \(words)", amount: base.description))
            total += base
        }
        for charge in plan.charges ?? [] {
            if charge.scheme == .percentage {
                guard let percent = charge.percent.flatMap({ DecimalText($0)?.scaled(by: 4) }) else {
                    continue
                }
                let reported = Money(minor: 1_000 * currency.scale, currency)
                let share = Rounding.halfAwayFromZero(Int128(reported.minor) * percent, over: 1_000_000)
                let amount = Money(minor: Int64(share), currency)
                lines.append(
                    PriceLine(label: "\(charge.percent ?? "0") % of \(reported)", amount: amount.description))
                total += amount
                used.append("\(reported) reported")
                continue
            }
            guard let metric = charge.metric else { continue }
            let included = plan.included?[metric] ?? 0
            let quantity = quantity(charge, included: included)
            let charged = Int128(quantity - included)
            let result = try rate(charge, charged * 1_000_000, currency)
            let amount = try result.amount.rounded(currency)
            used.append("\(ShownWords.count(quantity)) \(ShownWords.metric(metric))")
            if included > 0 {
                lines.append(
                    PriceLine(
                        label: "\(ShownWords.count(included)) \(ShownWords.metric(metric)) included",
                        amount: Money.zero(currency).description))
            }
            let parts = result.parts.filter { $0.quantity > 0 }
            let shares = try Allocation.largestRemainder(
                amount.minor, weights: parts.map { max(0, $0.amount.atto) })
            for (part, share) in zip(parts, shares) {
                let count = Int64(part.quantity / 1_000_000)
                lines.append(
                    PriceLine(
                        label: label(charge, count, part.unitAmount, metric, currency),
                        amount: Money(minor: share, currency).description))
            }
            total += amount
        }
        let title =
            used.isEmpty
            ? "plan \(plan.id)" : "\(used.joined(separator: " and ")) in a month on plan \(plan.id)"
        return WorkedExample(title: title, lines: lines, total: total.description)
    }

    private static func label(
        _ charge: Charge, _ count: Int64, _ price: UnitPrice, _ metric: Metric, _ currency: Currency
    ) -> String {
        guard charge.scheme == .package, let size = charge.packageSize else {
            return "\(ShownWords.count(count)) \(ShownWords.metric(metric)) × \(price) \(currency)"
        }
        let packages = count
        return
            "\(ShownWords.count(packages)) packages of \(ShownWords.count(size)) \(ShownWords.metric(metric)) × \(price) \(currency)"
    }

    private static func rate(
        _ charge: Charge, _ quantity: Int128, _ currency: Currency
    ) throws(BillingError) -> Rater.Result {
        let steps = (charge.tiers ?? []).map {
            Rater.Step(
                upTo: $0.upTo.map { Int128($0) * 1_000_000 }, unitAmount: $0.unitAmount,
                flat: $0.flatAmount.flatMap { Money($0, currency) }.map { ExactAmount($0) } ?? .zero)
        }
        switch charge.scheme {
        case .graduated: return try Rater.graduated(quantity, steps)
        case .volume: return try Rater.volume(quantity, steps)
        case .package:
            let packages = try Rater.packages(quantity, size: Int128(charge.packageSize ?? 1) * 1_000_000)
            return try Rater.perUnit(packages * 1_000_000, at: charge.unitAmount ?? UnitPrice(pico: 0))
        case .perUnit, .percentage:
            return try Rater.perUnit(quantity, at: charge.unitAmount ?? UnitPrice(pico: 0))
        }
    }
}

/// Counts and metrics as account pages say them.
enum ShownWords {
    /// `12,345`.
    static func count(_ number: Int64) -> String { GroupedDigits.text(number) }

    static func metric(_ metric: Metric) -> String {
        switch metric {
        case .calls: "calls"
        case .apiCalls: "API calls"
        case .executionMs: "ms of run time"
        case .bytes: "bytes"
        case .storageByteHours: "byte-hours of storage"
        }
    }
}
