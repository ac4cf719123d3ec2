public import Marketplace

/// What takes back a part of an issued invoice: the only way in which one is corrected. Amounts are positive where
/// they are taken back.
public struct CreditNote: Hashable, Sendable, Codable {
    public struct Line: Hashable, Sendable, Codable {
        public var number: Int
        /// The invoice's line that it takes back from.
        public var invoiceLine: Int
        public var plugin: PluginID
        public var description: String
        public var net: Money
        public var taxCategory: String
        public var taxRate: String
        public var shareBasisPoints: Int64
    }

    public var schema: Int
    public var number: String
    public var invoice: String
    public var reason: String
    public var tenant: TenantID
    /// The invoice's.
    public var period: BillingPeriod
    public var invoiceIssued: Day
    public var issued: Day
    public var currency: Currency
    public var seller: Invoice.Party
    public var customer: Invoice.Party
    public var lines: [Line]
    public var taxes: [InvoiceTax]
    public var shares: [InvoiceShare]
    public var net: Money
    public var tax: Money
    public var total: Money
    /// The digest of the numbered document before.
    public var previous: Digest?

    /// What must hold of every credit note: the reason where it does not.
    public func firstViolation() -> String? {
        let zero = Money.zero(currency)
        for (index, line) in lines.enumerated() where line.number != index + 1 {
            return "line \(index + 1) is numbered \(line.number)"
        }
        if lines.isEmpty { return "it takes nothing back" }
        if lines.map(\.net).reduce(zero, +) != net { return "the lines do not add up to the net" }
        if taxes.map(\.taxable).reduce(zero, +) != net { return "the tax groups do not cover the net" }
        if taxes.map(\.tax).reduce(zero, +) != tax { return "the taxes do not add up" }
        if net + tax != total { return "net + tax ≠ total" }
        if shares.map(\.nets).reduce(zero, +) != net { return "the shares do not cover the net" }
        for share in shares where share.developer + share.platform != share.nets {
            return "\(share.publisher.text): developer + platform ≠ nets"
        }
        return nil
    }
}

/// An invoice with the credit notes on it so far: what of it still stands, line by line.
struct CreditedInvoice {
    let invoice: Invoice
    /// What was taken back of each line.
    private(set) var credited: [Money]

    init(_ invoice: Invoice, _ notes: [CreditNote]) {
        self.invoice = invoice
        credited = Array(repeating: .zero(invoice.currency), count: invoice.lines.count)
        for line in notes.flatMap(\.lines) { credited[line.invoiceLine - 1] += line.net }
    }

    func left(_ index: Int) -> Money { invoice.lines[index].net - credited[index] }
    var left: Money { invoice.lines.indices.map { left($0) }.reduce(.zero(invoice.currency), +) }

    /// What of each line is taken back for an amount before tax: of one line, or of all in proportion to what is
    /// left of them. No amount means everything that is left.
    func split(_ amount: Money?, line: Int?) throws(BillingError) -> [Money] {
        let zero = Money.zero(invoice.currency)
        var parts = Array(repeating: zero, count: invoice.lines.count)
        let chosen = line.map { [$0 - 1] } ?? Array(invoice.lines.indices)
        guard chosen.allSatisfy(invoice.lines.indices.contains) else {
            throw BillingError(.notFound, "\(invoice.number)/\(line ?? 0)", "the invoice has no such line")
        }
        guard let amount else {
            for index in chosen { parts[index] = left(index) }
            // One line can be taken back only as far as the whole allows it.
            if line != nil, parts[chosen[0]].minor > left.minor { parts[chosen[0]] = left }
            return parts
        }
        let open = chosen.filter { left($0).minor > 0 }
        let most = min(open.map { left($0).minor }.reduce(0, +), left.minor)
        guard amount.minor > 0, amount.minor <= most else {
            throw BillingError(
                .input, invoice.number,
                "between nothing and \(Money(minor: most, invoice.currency)) can be taken back, not \(amount)"
            )
        }
        let shares = try Allocation.largestRemainder(
            amount.minor, weights: open.map { Int128(left($0).minor) })
        for (index, share) in zip(open, shares) { parts[index] = Money(minor: share, invoice.currency) }
        return parts
    }

    /// The note that takes these parts back. Tax and shares are differences of cumulative targets: whatever the
    /// order and the size of the notes, together they end at exactly what the invoice had.
    func note(_ parts: [Money], number: String, issued: Day, reason: String, previous: Digest?)
        throws(BillingError) -> CreditNote
    {
        let zero = Money.zero(invoice.currency)
        var lines: [CreditNote.Line] = []
        for (index, part) in parts.enumerated() where !part.isZero {
            let own = invoice.lines[index]
            lines.append(
                CreditNote.Line(
                    number: lines.count + 1, invoiceLine: own.number, plugin: own.plugin,
                    description: own.description, net: part, taxCategory: own.taxCategory,
                    taxRate: own.taxRate, shareBasisPoints: own.shareBasisPoints))
        }
        var taxes: [InvoiceTax] = []
        for tax in invoice.taxes {
            let own = invoice.lines.indices.filter {
                invoice.lines[$0].taxCategory == tax.category && invoice.lines[$0].taxRate == tax.rate
            }
            let now = own.map { parts[$0] }.reduce(zero, +)
            let before = own.map { credited[$0] }.reduce(zero, +)
            let ratio = Exact.ratio(percent: tax.rate)!
            let entry =
                try Tax.amount(on: tax.taxable - before, ratio: ratio)
                - Tax.amount(on: tax.taxable - before - now, ratio: ratio)
            if now.isZero && entry.isZero { continue }
            taxes.append(InvoiceTax(category: tax.category, rate: tax.rate, taxable: now, tax: entry))
        }
        var shares: [InvoiceShare] = []
        for share in invoice.shares {
            let own = invoice.lines.indices.filter { invoice.lines[$0].plugin.publisher == share.publisher }
            let now = own.map { parts[$0] }.reduce(zero, +)
            let developer = Money(minor: target(own, []) - target(own, parts), invoice.currency)
            if now.isZero && developer.isZero { continue }
            shares.append(
                InvoiceShare(
                    publisher: share.publisher, nets: now, developer: developer, platform: now - developer))
        }
        let net = parts.reduce(zero, +)
        let tax = taxes.map(\.tax).reduce(zero, +)
        return CreditNote(
            schema: 1, number: number, invoice: invoice.number, reason: reason, tenant: invoice.tenant,
            period: invoice.period, invoiceIssued: invoice.issued, issued: issued,
            currency: invoice.currency, seller: invoice.seller, customer: invoice.customer, lines: lines,
            taxes: taxes, shares: shares, net: net, tax: tax, total: net + tax, previous: previous)
    }

    /// The developer's rounded part of what of these lines stands, less `parts` where given.
    private func target(_ lines: [Int], _ parts: [Money]) -> Int64 {
        let weighted = lines.reduce(Int128(0)) { sum, index in
            let net = left(index).minor - (parts.isEmpty ? 0 : parts[index].minor)
            return sum + Int128(net) * Int128(invoice.lines[index].shareBasisPoints)
        }
        return Int64(Rounding.halfAwayFromZero(weighted, over: Int128(RevenueShare.wholeBasisPoints)))
    }
}
