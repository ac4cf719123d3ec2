public import Billing
public import Marketplace
public import Metering

/// A publisher's share of a period's invoices, split over plugins, versions and days: the parts add up to what the
/// invoices say to the minor unit.
public struct Earnings: Sendable {
    public struct Part: Sendable, Hashable {
        public let plugin: String
        public let version: String
        public let day: Day
        public let amount: Money
    }

    public private(set) var parts: [Part] = []

    /// Each invoice's share goes to its lines by their nets, each line's part to days: by what was used where the line
    /// is by use, evenly over the days that it covers else. Largest remainders, ties to the first.
    public init(
        of publisher: PublisherID, invoices: [Invoice], used: [RollUpRow]
    ) throws(AccountsError) {
        for invoice in invoices {
            guard let share = invoice.shares.first(where: { $0.publisher == publisher }) else { continue }
            let lines = invoice.lines.filter { $0.plugin.publisher == publisher }
            let weights = lines.map { Int128(max(0, $0.net.minor)) }
            let amounts = try AccountsError.books { () throws(BillingError) in
                try Allocation.largestRemainder(share.developer.minor, weights: weights)
            }
            for (line, amount) in zip(lines, amounts) where amount != 0 {
                let days = Self.days(of: line, invoice, used)
                let split = try AccountsError.books { () throws(BillingError) in
                    try Allocation.largestRemainder(amount, weights: days.map(\.weight))
                }
                for (day, minor) in zip(days, split) where minor != 0 {
                    parts.append(
                        Part(
                            plugin: line.plugin.text, version: line.version, day: day.day,
                            amount: Money(minor: minor, invoice.currency)))
                }
            }
        }
    }

    private static func days(
        of line: InvoiceLine, _ invoice: Invoice, _ used: [RollUpRow]
    ) -> [(day: Day, weight: Int128)] {
        if let metric = line.metric {
            var sums: [Day: Int128] = [:]
            for row in used
            where row.tenant == invoice.tenant.text && row.plugin == line.plugin.text && row.plan == line.plan
                && row.metric == metric
            {
                sums[row.day, default: 0] += Int128(row.quantity)
            }
            if !sums.isEmpty {
                return sums.sorted { $0.key < $1.key }.map { (day: $0.key, weight: $0.value) }
            }
        }
        var days: [(day: Day, weight: Int128)] = []
        var day = line.from
        while day < line.to {
            days.append((day: day, weight: 1))
            day = day.adding(days: 1)
        }
        return days.isEmpty ? [(day: line.from, weight: 1 as Int128)] : days
    }

    /// The sum in minor units of what is in a currency and fits.
    public func sum(_ currency: Currency, where fits: (Part) -> Bool) -> Int64 {
        parts.filter { $0.amount.currency == currency && fits($0) }.reduce(0) { $0 + $1.amount.minor }
    }

    /// What was earned in other currencies, one sum each.
    public func others(than own: Currency) -> [Money] {
        var sums: [Currency: Money] = [:]
        for part in parts where part.amount.currency != own {
            sums[part.amount.currency, default: .zero(part.amount.currency)] += part.amount
        }
        return sums.sorted { $0.key < $1.key }.map(\.value)
    }
}
