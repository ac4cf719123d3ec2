internal import Marketplace
internal import Metering

/// The lines of one plan at one price in one period.
struct LineMaker {
    let period: BillingPeriod
    let config: BillingConfig
    let subscription: Subscription
    let terms: Drafter.Terms
    let pricing: Pricing
    let plan: Plan
    /// In force in the period, ascending.
    let segments: [SubscriptionSegment]

    private var currency: Currency { pricing.currency }

    /// The first day that is paid for: the trial counts from the first installation, once.
    private var trialEnd: Day { subscription.firstInstalled.day.adding(days: plan.trialDays ?? 0) }

    /// The days of a segment inside the period that are charged: the day of a change belongs to what it changes to.
    private func days(_ segment: SubscriptionSegment) -> (from: Day, to: Day) {
        let from = max(segment.from.day, period.firstDay, trialEnd)
        let to = min(segment.to.day, period.endDay)
        return (from, max(from, to))
    }

    private func price(seats: Int64) throws(BillingError) -> ExactAmount {
        guard let amount = Money(plan.amount, currency), amount.minor >= 0 else {
            throw BillingError(
                .configuration, "plan \(plan.id)", "`\(plan.amount)` is no amount of \(currency.code)")
        }
        return try ExactAmount(amount).scaled(plan.perSeat == true ? Int128(seats) : 1, over: 1)
    }

    // MARK: Base

    func baseLines() throws(BillingError) -> [InvoiceLine] {
        switch plan.interval {
        case .month: try monthly()
        case .year: try yearly()
        case .once: try once()
        }
    }

    private func monthly() throws(BillingError) -> [InvoiceLine] {
        var lines: [InvoiceLine] = []
        // Segments of the same price telescope: together they never cost more or less than the month.
        for seats in Set(segments.map(\.seats)).sorted() {
            let price = try price(seats: seats)
            if price.atto == 0 { continue }
            let own = segments.filter { $0.seats == seats }.map { (segment: $0, days: days($0)) }
                .filter { $0.days.from < $0.days.to }
            let offsets = own.map {
                (
                    from: $0.days.from.number - period.firstDay.number,
                    to: $0.days.to.number - period.firstDay.number
                )
            }
            let amounts = try Proration.segments(price, currency, periodDays: period.dayCount, offsets)
            for (entry, amount) in zip(own, amounts) {
                let count = entry.days.to.number - entry.days.from.number
                lines.append(
                    line(
                        .base, version: entry.segment.version, entry.days.from, entry.days.to, amount,
                        text: count == period.dayCount
                            ? "monthly price" : "monthly price, \(count) of \(period.dayCount) days",
                        seats: plan.perSeat == true ? seats : nil, days: count))
            }
        }
        return lines
    }

    /// A year is paid in advance, in the month in which it begins: years are counted from the anchor.
    private func yearly() throws(BillingError) -> [InvoiceLine] {
        guard let first = subscription.segments.first(where: { $0.plan == plan.id }) else { return [] }
        let anchor = max(first.from.day, trialEnd)
        var lines: [InvoiceLine] = []
        for year in 0...(max(0, period.year - anchor.civil.year)) {
            let start = anchor.adding(months: 12 * year)
            guard period.contains(start) else { continue }
            guard
                let segment = segments.first(where: {
                    $0.from.day <= start && start < $0.to.day || $0.from.day == start
                })
            else { continue }
            let amount = try price(seats: segment.seats).rounded(currency)
            if amount.isZero { continue }
            lines.append(
                line(
                    .base, version: segment.version, start, anchor.adding(months: 12 * (year + 1)), amount,
                    text: "yearly price", seats: plan.perSeat == true ? segment.seats : nil, days: nil))
        }
        return lines
    }

    /// Bought once, in the period of the first installation with this plan.
    private func once() throws(BillingError) -> [InvoiceLine] {
        guard let first = subscription.segments.first(where: { $0.plan == plan.id }),
            first.price == terms.price
        else { return [] }
        let day = max(first.from.day, trialEnd)
        // Removed before the trial ended: never bought.
        guard period.contains(day), day == first.from.day || day < first.to.day else { return [] }
        let amount = try price(seats: first.seats).rounded(currency)
        if amount.isZero { return [] }
        return [
            line(
                .purchase, version: first.version, day, day.adding(days: 1), amount,
                text: "one-time purchase",
                seats: plan.perSeat == true ? first.seats : nil, days: nil)
        ]
    }

    // MARK: Usage

    func usageLines(
        _ used: Drafter.Used, _ reported: [AmountEvent], _ alarms: inout [Alarm]
    ) throws(BillingError) -> [InvoiceLine] {
        var lines: [InvoiceLine] = []
        for charge in plan.charges ?? [] {
            if charge.scheme == .percentage {
                lines += try percentageLine(charge, reported, &alarms)
            } else {
                lines += try meteredLine(charge, used)
            }
        }
        let isInForce = segments.contains { days($0).from < days($0).to }
        if !lines.isEmpty || isInForce { lines += try boundLines(lines) }
        return lines
    }

    /// Usage in the trial costs nothing and uses up no allowance.
    private func meteredLine(_ charge: Charge, _ used: Drafter.Used) throws(BillingError) -> [InvoiceLine] {
        guard let metric = charge.metric else {
            throw BillingError(
                .configuration, "plan \(plan.id)", "a \(charge.scheme.rawValue) charge has no metric")
        }
        let days = (used[metric.rawValue] ?? []).filter { $0.day >= trialEnd }
        var quantity: Int64 = 0
        for entry in days {
            let (sum, overflow) = quantity.addingReportingOverflow(entry.quantity)
            if overflow { throw BillingError(.limit, metric.rawValue, "a quantity leaves 64 bits") }
            quantity = sum
        }
        let included = min(quantity, plan.included?[metric] ?? 0)
        let charged = quantity - included
        let result = try rate(charge, charged)
        let amount = try result.amount.rounded(currency)
        if quantity == 0 && amount.isZero { return [] }
        var line = line(
            .usage, version: lastVersion, period.firstDay, period.endDay, amount,
            text: "\(metric.rawValue), \(charge.scheme.rawValue)", seats: nil, days: nil)
        line.metric = metric.rawValue
        line.scheme = charge.scheme.rawValue
        (line.quantity, line.included, line.charged) = (quantity, included, charged)
        line.unitAmount = charge.unitAmount
        line.packageSize = charge.packageSize
        line.lateDays = Array(Set(days.map(\.day).filter { $0 < period.firstDay })).sorted()
        if charge.scheme == .graduated || charge.scheme == .volume {
            line.tiers = try tiers(result, amount)
        }
        return [line]
    }

    private func rate(_ charge: Charge, _ quantity: Int64) throws(BillingError) -> Rater.Result {
        let micro = try Exact.product(Int128(quantity), Exact.unit)
        switch charge.scheme {
        case .perUnit: return try Rater.perUnit(micro, at: try unitAmount(charge))
        case .package:
            return try Rater.package(
                micro, size: Int128(charge.packageSize ?? 0) * Exact.unit, at: try unitAmount(charge))
        case .graduated: return try Rater.graduated(micro, try steps(charge))
        case .volume: return try Rater.volume(micro, try steps(charge))
        case .percentage: preconditionFailure("percentages are of amounts, not of quantities")
        }
    }

    private func unitAmount(_ charge: Charge) throws(BillingError) -> UnitPrice {
        guard let price = charge.unitAmount, price.pico >= 0 else {
            throw BillingError(
                .configuration, "plan \(plan.id)", "a \(charge.scheme.rawValue) charge has no unit amount")
        }
        return price
    }

    private func steps(_ charge: Charge) throws(BillingError) -> [Rater.Step] {
        var steps: [Rater.Step] = []
        for tier in charge.tiers ?? [] {
            guard let flat = UnitPrice(tier.flatAmount ?? "0"), tier.unitAmount.pico >= 0, flat.pico >= 0
            else {
                throw BillingError(.configuration, "plan \(plan.id)", "a tier's amount is none")
            }
            steps.append(
                Rater.Step(
                    upTo: tier.upTo.map { Int128($0) * Exact.unit }, unitAmount: tier.unitAmount,
                    flat: ExactAmount(atto: try Exact.product(flat.pico, Exact.unit))))
        }
        return steps
    }

    /// The tiers' exact amounts, shown as whole minor units that add up to the line.
    private func tiers(_ result: Rater.Result, _ amount: Money) throws(BillingError) -> [InvoiceTier] {
        let parts = try Allocation.largestRemainder(
            amount.minor, weights: result.parts.map { max(0, $0.amount.atto) })
        var tiers: [InvoiceTier] = []
        for (part, minor) in zip(result.parts, parts) {
            tiers.append(
                InvoiceTier(
                    upTo: part.upTo.map { Int64($0 / Exact.unit) },
                    quantity: Int64(part.quantity / Exact.unit),
                    unitAmount: part.unitAmount,
                    flatAmount: part.flat.atto == 0 ? nil : try part.flat.rounded(currency),
                    amount: Money(minor: minor, currency)))
        }
        return tiers
    }

    /// A percentage of what the plugin reported; one report counts for no more than the manifest allows.
    private func percentageLine(
        _ charge: Charge, _ reported: [AmountEvent], _ alarms: inout [Alarm]
    ) throws(BillingError) -> [InvoiceLine] {
        guard let percent = charge.percent, let ratio = Exact.ratio(percent: percent), ratio >= 0,
            let most = Money(charge.reportedMax ?? "", currency)
        else {
            throw BillingError(
                .configuration, "plan \(plan.id)", "a percentage charge lacks percent or greatest report")
        }
        var sum: Int64 = 0
        var late: Set<Day> = []
        for event in reported where event.time.day >= trialEnd {
            guard event.amount.currency == currency else {
                alarms.append(
                    Alarm(
                        code: "foreign-amount", subject: event.id,
                        text:
                            "an amount in \(event.amount.currency) under a price in \(currency) is not billed"
                    ))
                continue
            }
            if event.amount.minor > most.minor {
                alarms.append(
                    Alarm(
                        code: "amount-over-limit", subject: event.id,
                        text: "\(event.amount) was reported, \(most) is the most that counts"))
            }
            let (total, overflow) = sum.addingReportingOverflow(min(event.amount.minor, most.minor))
            if overflow { throw BillingError(.limit, event.id, "reported amounts leave 64 bits") }
            sum = total
            if event.time.day < period.firstDay { late.insert(event.time.day) }
        }
        if sum == 0 { return [] }
        let major = try Exact.product(Int128(sum), Exact.power(Exact.quantityDecimals - currency.exponent))
        let amount = try Rater.percentage(of: major, ratio: ratio).rounded(currency)
        var line = line(
            .usage, version: lastVersion, period.firstDay, period.endDay, amount,
            text: "\(percent) % of \(Money(minor: sum, currency)) reported", seats: nil, days: nil)
        line.metric = "amount.\(currency.code)"
        line.scheme = charge.scheme.rawValue
        (line.quantity, line.charged) = (sum, sum)
        line.percent = percent
        line.lateDays = late.sorted()
        return [line]
    }

    /// The plan's least and greatest sum of usage charges; the least is prorated like the price.
    private func boundLines(_ usage: [InvoiceLine]) throws(BillingError) -> [InvoiceLine] {
        let sum = usage.map(\.amount).reduce(.zero(currency), +)
        if let text = plan.minimum, let least = Money(text, currency) {
            let count = segments.reduce(0) { $0 + days($1).to.number - days($1).from.number }
            let due = try ExactAmount(least).scaled(Int128(count), over: Int128(period.dayCount)).rounded(
                currency)
            if due.minor > sum.minor {
                return [
                    line(
                        .minimum, version: lastVersion, period.firstDay, period.endDay, due - sum,
                        text: "up to the least monthly charge of \(due)", seats: nil, days: count)
                ]
            }
        }
        if let text = plan.maximum, let most = Money(text, currency), sum.minor > most.minor {
            return [
                line(
                    .maximum, version: lastVersion, period.firstDay, period.endDay, most - sum,
                    text: "down to the greatest monthly charge of \(most)", seats: nil, days: nil)
            ]
        }
        return []
    }

    // MARK: Lines

    private var lastVersion: String { segments.last?.version ?? subscription.segments.last?.version ?? "" }

    private func line(
        _ kind: InvoiceLine.Kind, version: String, _ from: Day, _ to: Day, _ amount: Money, text: String,
        seats: Int64?, days: Int?
    ) -> InvoiceLine {
        let zero = Money.zero(currency)
        return InvoiceLine(
            number: 0, kind: kind, plugin: subscription.plugin, version: version, plan: plan.id,
            description: "\(subscription.plugin.text), plan \(plan.id): \(text)", from: from, to: to,
            price: terms.price, metric: nil, scheme: nil, quantity: seats ?? 0, included: 0, charged: 0,
            unitAmount: nil, packageSize: nil, percent: nil, tiers: [], days: days,
            periodDays: days == nil ? nil : period.dayCount, seats: seats, lateDays: [], amount: amount,
            discount: zero,
            net: amount, taxCategory: "", taxRate: "", shareBasisPoints: 0)
    }

    static func spendCapLine(like line: InvoiceLine, _ period: BillingPeriod, _ amount: Money, _ cap: Money)
        -> InvoiceLine
    {
        let zero = Money.zero(amount.currency)
        return InvoiceLine(
            number: 0, kind: .spendCap, plugin: line.plugin, version: line.version, plan: line.plan,
            description: "\(line.plugin.text): down to your limit of \(cap)", from: period.firstDay,
            to: period.endDay,
            price: line.price, metric: nil, scheme: nil, quantity: 0, included: 0, charged: 0,
            unitAmount: nil,
            packageSize: nil, percent: nil, tiers: [], days: nil, periodDays: nil, seats: nil, lateDays: [],
            amount: amount, discount: zero, net: amount, taxCategory: "", taxRate: "", shareBasisPoints: 0)
    }
}
