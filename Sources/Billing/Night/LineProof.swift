internal import Marketplace
internal import Metering

/// For one invoice line: what the customer is charged for it, and whose it is. The parts of an invoice's lines are
/// allocations of the invoice's own developers' shares, platform's parts and taxes, so they add up to those.
struct LineProof: Sendable {
    var invoice: String
    var line: Int
    var plugin: String
    var charged: Money
    var developer: Money
    var platform: Money
    var tax: Money

    static func rows(of invoice: Invoice) throws(BillingError) -> [LineProof] {
        let currency = invoice.currency
        var developers = Array(repeating: Money.zero(currency), count: invoice.lines.count)
        let byPublisher = Dictionary(grouping: invoice.lines.indices) {
            invoice.lines[$0].plugin.publisher
        }
        for share in invoice.shares {
            let own = byPublisher[share.publisher] ?? []
            let parts = split(
                share.developer.minor,
                own.map {
                    Int128(invoice.lines[$0].net.minor) * Int128(invoice.lines[$0].shareBasisPoints)
                }, over: Int128(RevenueShare.wholeBasisPoints))
            for (index, part) in zip(own, parts) { developers[index] = Money(minor: part, currency) }
        }
        var taxes = Array(repeating: Money.zero(currency), count: invoice.lines.count)
        for tax in invoice.taxes {
            let own = invoice.lines.indices.filter {
                invoice.lines[$0].taxCategory == tax.category && invoice.lines[$0].taxRate == tax.rate
            }
            let ratio = Exact.ratio(percent: tax.rate) ?? 0
            let parts = split(
                tax.tax.minor, own.map { Int128(invoice.lines[$0].net.minor) * ratio }, over: Exact.power(12))
            for (index, part) in zip(own, parts) { taxes[index] = Money(minor: part, currency) }
        }
        return invoice.lines.enumerated().map { index, line in
            LineProof(
                invoice: invoice.number, line: line.number, plugin: line.plugin.text,
                charged: line.net + taxes[index], developer: developers[index],
                platform: line.net - developers[index], tax: taxes[index])
        }
    }

    /// The same of a credit note, for what it takes back.
    static func rows(of note: CreditNote) throws(BillingError) -> [LineProof] {
        let currency = note.currency
        var developers = Array(repeating: Money.zero(currency), count: note.lines.count)
        var taxes = developers
        for share in note.shares {
            let own = note.lines.indices.filter { note.lines[$0].plugin.publisher == share.publisher }
            let weights = own.map { Int128(note.lines[$0].net.minor.magnitude) }
            let parts =
                own.isEmpty ? [] : try Allocation.largestRemainder(share.developer.minor, weights: weights)
            for (index, part) in zip(own, parts) { developers[index] = Money(minor: part, currency) }
        }
        for tax in note.taxes {
            let own = note.lines.indices.filter {
                note.lines[$0].taxCategory == tax.category && note.lines[$0].taxRate == tax.rate
            }
            let weights = own.map { Int128(note.lines[$0].net.minor.magnitude) }
            let parts = own.isEmpty ? [] : try Allocation.largestRemainder(tax.tax.minor, weights: weights)
            for (index, part) in zip(own, parts) { taxes[index] = Money(minor: part, currency) }
        }
        return note.lines.enumerated().map { index, line in
            LineProof(
                invoice: note.number, line: line.number, plugin: line.plugin.text,
                charged: line.net + taxes[index], developer: developers[index],
                platform: line.net - developers[index], tax: taxes[index])
        }
    }

    /// Largest remainder for exact parts of either sign: each is rounded down, and what the rounded whole has more
    /// goes to the largest remainders, ties to the first.
    static func split(_ whole: Int64, _ exact: [Int128], over scale: Int128) -> [Int64] {
        var parts = exact.map { $0 >= 0 ? $0 / scale : -((-$0 + scale - 1) / scale) }
        let left = Int(Int128(whole) - parts.reduce(0, +))
        precondition(left >= 0 && left <= parts.count, "a rounded whole is near its parts")
        let order = exact.indices.sorted {
            let (a, b) = (exact[$0] - parts[$0] * scale, exact[$1] - parts[$1] * scale)
            return a != b ? a > b : $0 < $1
        }
        for index in order.prefix(left) { parts[index] += 1 }
        return parts.map { Int64($0) }
    }

    /// Rows of `conservation.csv`: charged = developer + platform + tax on every one.
    static func csv(_ rows: [LineProof]) throws(BillingError) -> [UInt8] {
        var out: [UInt8] = []
        for row in rows {
            guard row.charged == row.developer + row.platform + row.tax else {
                throw BillingError(
                    .conservation, "\(row.invoice)/\(row.line)", "charged ≠ developer + platform + tax")
            }
            CSV.append(
                &out,
                [
                    row.invoice, String(row.line), row.plugin, row.charged.currency.code, row.charged.amount,
                    row.developer.amount, row.platform.amount, row.tax.amount,
                ])
        }
        return out
    }

    /// `conservation.csv` of a month: the sums of each invoice and of the month being those of its documents.
    static func write(
        _ rows: [[UInt8]], _ night: BillingNight, _ month: BillingPeriod
    ) throws(BillingError) {
        if rows.allSatisfy(\.isEmpty) { return }
        var out: [UInt8] = []
        CSV.append(
            &out, ["invoice", "line", "plugin", "currency", "charged", "developer", "platform", "tax"])
        for row in rows { out += row }
        try night.write(night.paths.file(month, "conservation.csv"), out)
    }
}
