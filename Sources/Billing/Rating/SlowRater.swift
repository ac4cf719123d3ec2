internal import Marketplace

/// The second rater: every line of an invoice once more from its price, in exact fractions and in the plainest way.
/// It shares no code with the first but the words of `Marketplace`; where the two differ the night fails.
struct SlowRater {
    /// A fraction in lowest terms.
    struct Fraction: Equatable {
        var n: Int128
        var d: Int128

        init(_ n: Int128, _ d: Int128 = 1) {
            precondition(d != 0, "no fraction has a denominator of zero")
            var (a, b) = (n.magnitude, d.magnitude)
            while b != 0 { (a, b) = (b, a % b) }
            let common = Int128(max(a, 1)) * (d < 0 ? -1 : 1)
            (self.n, self.d) = (n / common, d / common)
        }

        /// A decimal text as a fraction.
        init?(_ text: String) {
            guard let decimal = DecimalText(text), let value = decimal.scaled(by: decimal.fraction.count)
            else {
                return nil
            }
            var scale: Int128 = 1
            for _ in decimal.fraction { scale *= 10 }
            self.init(value, scale)
        }

        static func + (a: Fraction, b: Fraction) -> Fraction { Fraction(a.n * b.d + b.n * a.d, a.d * b.d) }
        static func - (a: Fraction, b: Fraction) -> Fraction { a + Fraction(-b.n, b.d) }
        static func * (a: Fraction, b: Fraction) -> Fraction {
            // Cancelling across first keeps the products small.
            let (left, right) = (Fraction(a.n, b.d), Fraction(b.n, a.d))
            return Fraction(left.n * right.n, left.d * right.d)
        }

        /// Minor units, halves away from zero.
        func minor(_ currency: Currency) -> Int64 {
            let scaled = self * Fraction(Int128(currency.scale))
            let size = Int128(scaled.n.magnitude)
            let doubled = size * 2 + scaled.d
            let rounded = doubled / (scaled.d * 2)
            return Int64(scaled.n < 0 ? -rounded : rounded)
        }
    }

    let prices: [Digest: Pricing]

    /// Why the invoice's lines are not what their prices give; nil where they are.
    func firstDifference(_ invoice: Invoice) -> String? {
        for line in invoice.lines {
            guard let plan = prices[line.price]?.plan(line.plan) else {
                return "line \(line.number): its price is lost"
            }
            guard let expected = amount(of: line, plan, invoice) else {
                return "line \(line.number): it cannot be rated a second time"
            }
            if expected != line.amount.minor {
                let other = Money(minor: expected, invoice.currency)
                return "line \(line.number): the second rater finds \(other), not \(line.amount)"
            }
        }
        return nil
    }

    private func amount(of line: InvoiceLine, _ plan: Plan, _ invoice: Invoice) -> Int64? {
        switch line.kind {
        case .base: base(line, plan, invoice)
        case .purchase: price(line, plan).map { $0.minor(invoice.currency) }
        case .usage: usage(line, plan, invoice.currency)
        case .minimum, .maximum: bound(line, plan, invoice)
        case .spendCap: spendCap(line, invoice)
        }
    }

    private func price(_ line: InvoiceLine, _ plan: Plan) -> Fraction? {
        Fraction(plan.amount).map { plan.perSeat == true ? $0 * Fraction(Int128(line.seats ?? 1)) : $0 }
    }

    /// The days up to and with this line, less the days before it: so that all lines of one price add up.
    private func base(_ line: InvoiceLine, _ plan: Plan, _ invoice: Invoice) -> Int64? {
        guard let whole = price(line, plan) else { return nil }
        if plan.interval == .year { return whole.minor(invoice.currency) }
        guard let days = line.days, let of = line.periodDays else { return nil }
        let earlier = invoice.lines.filter {
            $0.kind == .base && $0.plugin == line.plugin && $0.plan == line.plan && $0.price == line.price
                && $0.seats == line.seats && $0.from < line.from
        }
        // Lines of other seat counts of a price without seats are told apart by nothing but their order.
        let before = earlier.reduce(0) { $0 + ($1.days ?? 0) }
        let until = whole * Fraction(Int128(before + days), Int128(of))
        let from = whole * Fraction(Int128(before), Int128(of))
        return until.minor(invoice.currency) - from.minor(invoice.currency)
    }

    private func usage(_ line: InvoiceLine, _ plan: Plan, _ currency: Currency) -> Int64? {
        let charges = (plan.charges ?? []).filter { $0.scheme.rawValue == line.scheme }
        if line.scheme == Charge.Scheme.percentage.rawValue {
            guard
                let percent = charges.first(where: { $0.percent == line.percent })?.percent.flatMap({
                    Fraction($0)
                })
            else { return nil }
            let reported = Fraction(Int128(line.quantity), Int128(currency.scale))
            return (reported * percent * Fraction(1, 100)).minor(currency)
        }
        guard
            let charge = charges.first(where: {
                $0.metric?.rawValue == line.metric && $0.unitAmount == line.unitAmount
                    && $0.packageSize == line.packageSize
            })
        else { return nil }
        let free = charge.metric.flatMap { plan.included?[$0] } ?? 0
        let charged = max(0, line.quantity - free)
        guard charged == line.charged else { return nil }
        return metered(charge, charged)?.minor(currency)
    }

    private func metered(_ charge: Charge, _ quantity: Int64) -> Fraction? {
        let units = Fraction(Int128(quantity))
        switch charge.scheme {
        case .perUnit: return unit(charge.unitAmount).map { $0 * units }
        case .package:
            guard let size = charge.packageSize, size > 0 else { return nil }
            let count = (quantity + size - 1) / size
            return unit(charge.unitAmount).map { $0 * Fraction(Int128(count)) }
        case .volume:
            for tier in charge.tiers ?? [] where tier.upTo.map({ quantity <= $0 }) ?? true {
                return unit(tier.unitAmount).map {
                    $0 * units + (Fraction(tier.flatAmount ?? "0") ?? Fraction(0))
                }
            }
            return nil
        case .graduated:
            var sum = Fraction(0)
            var below: Int64 = 0
            for (index, tier) in (charge.tiers ?? []).enumerated() where index == 0 || quantity > below {
                let inside = min(tier.upTo ?? quantity, quantity) - below
                guard let price = unit(tier.unitAmount), let flat = Fraction(tier.flatAmount ?? "0") else {
                    return nil
                }
                sum = sum + price * Fraction(Int128(max(0, inside))) + flat
                below = tier.upTo ?? quantity
            }
            return sum
        case .percentage: return nil
        }
    }

    private func unit(_ price: UnitPrice?) -> Fraction? {
        price.map { Fraction($0.pico, 1_000_000_000_000) }
    }

    private func bound(_ line: InvoiceLine, _ plan: Plan, _ invoice: Invoice) -> Int64? {
        let used = invoice.lines.filter {
            $0.kind == .usage && $0.plugin == line.plugin && $0.plan == line.plan && $0.price == line.price
        }.reduce(Int64(0)) { $0 + $1.amount.minor }
        if line.kind == .maximum {
            return plan.maximum.flatMap { Fraction($0) }.map { $0.minor(invoice.currency) - used }
        }
        guard let days = line.days, let of = line.periodDays,
            let least = plan.minimum.flatMap({ Fraction($0) })
        else {
            return nil
        }
        return (least * Fraction(Int128(days), Int128(of))).minor(invoice.currency) - used
    }

    /// The limit itself is the tenant's word; what can be checked is that the line only ever takes away.
    private func spendCap(_ line: InvoiceLine, _ invoice: Invoice) -> Int64? {
        let others = invoice.lines.filter { $0.plugin == line.plugin && $0.kind != .spendCap }
        let sum = others.reduce(Int64(0)) { $0 + $1.amount.minor }
        return line.amount.minor <= 0 && sum + line.amount.minor >= 0 ? line.amount.minor : nil
    }
}
