internal import Marketplace
internal import Metering
internal import Provenance

extension BillingNight {
    /// Exports the books, then reads back every exported file and checks that what came in is what went out: for
    /// each line, invoice, month, currency and for all time, with a tolerance of zero. A difference fails the night
    /// and says where.
    public func reconcile() throws(BillingError) -> StageSummary {
        var summary = StageSummary("reconcile")
        try exportJournals()
        var reader = Reconciliation(night: self)
        try reader.run()
        summary.counts = [
            "invoices": Int64(reader.invoiceCount), "entries": Int64(reader.entryCount),
            "payouts": Int64(reader.payoutCount),
        ]
        for (name, money) in reader.lifetime.sorted(by: { $0.key < $1.key }) {
            for (_, value) in money.sorted(by: { $0.key < $1.key }) { summary.add(name, value) }
        }
        try write(
            "\(paths.billing)/reconcile.json", try BillingJSON.encode(reader.report(), subject: "reconcile"))
        return summary
    }

    private func exportJournals() throws(BillingError) {
        for month in try ledger.read({ try $0.months() }) {
            let bookings = try ledger.read { try $0.bookings(from: month.firstDay, to: month.endDay) }
            try write(paths.file(month, "journal.hledger"), JournalExport.hledger(bookings))
            try write(
                paths.file(month, "journal.beancount"),
                JournalExport.beancount(bookings, openedOn: month.firstDay))
        }
    }
}

/// What `reconcile` finds in the files.
struct Reconciliation {
    let night: BillingNight
    private(set) var invoiceCount = 0
    private(set) var entryCount = 0
    private(set) var payoutCount = 0
    private(set) var lifetime: [String: [Currency: Money]] = [:]
    private var entries: [String: JournalFile.Entry] = [:]
    private var balances: [String: [Currency: Int64]] = [:]
    private var numbers: [(number: String, digest: Digest, previous: Digest?)] = []
    private var paidOut: [Currency: Int64] = [:]
    private var secondRater = SlowRater(prices: [:])

    init(night: BillingNight) {
        self.night = night
    }

    mutating func run() throws(BillingError) {
        let months = try BillingError.storing { () throws(MeteringError) in
            try night.disk.list(night.paths.billing)
        }.compactMap { BillingPeriod($0) }.sorted()
        for month in months { try readJournal(month) }
        var book = PriceBook()
        try book.thaw(from: night.paths.prices, night.disk)
        secondRater = SlowRater(prices: book.prices)
        for month in months {
            try readInvoices(month)
            try readPayouts(month)
        }
        try checkChain()
        try checkTotals()
    }

    private func fail(_ place: String, _ why: String) -> BillingError {
        BillingError(.conservation, place, why)
    }

    private mutating func readJournal(_ month: BillingPeriod) throws(BillingError) {
        let path = night.paths.file(month, "journal.hledger")
        guard let bytes = try night.readIfPresent(path) else { return }
        for entry in try JournalFile(bytes, subject: path).entries {
            var sums: [Currency: Int64] = [:]
            for posting in entry.postings {
                sums[posting.money.currency, default: 0] += posting.money.minor
                balances[posting.account, default: [:]][posting.money.currency, default: 0] +=
                    posting.money.minor
            }
            if let wrong = sums.first(where: { $0.value != 0 }) {
                throw fail(
                    "\(path) \(entry.key)", "is out of balance by \(Money(minor: wrong.value, wrong.key))")
            }
            guard month.contains(entry.day) else {
                throw fail("\(path) \(entry.key)", "is not of this month")
            }
            guard entries.updateValue(entry, forKey: entry.key) == nil else {
                throw fail("\(path) \(entry.key)", "stands twice")
            }
            entryCount += 1
        }
    }

    private mutating func readInvoices(_ month: BillingPeriod) throws(BillingError) {
        let folder = "\(night.paths.folder(month))/invoices"
        let names = try BillingError.storing { () throws(MeteringError) in try night.disk.list(folder) }
        for name in names where name.hasSuffix(".json") && !name.hasSuffix("-credit.json") {
            let bytes = try night.read("\(folder)/\(name)")
            let invoice = try BillingJSON.decode(Invoice.self, from: bytes, subject: name)
            guard "\(invoice.number).json" == name, invoice.period == month else {
                throw fail("\(folder)/\(name)", "is another invoice than its name says")
            }
            try check(invoice, "\(folder)/\(name)")
            numbers.append((invoice.number, Digest.sha256(of: bytes), invoice.previous))
            invoiceCount += 1
        }
    }

    private mutating func check(_ invoice: Invoice, _ place: String) throws(BillingError) {
        if let violation = invoice.firstViolation() { throw fail(place, violation) }
        if let difference = secondRater.firstDifference(invoice) { throw fail(place, difference) }
        // The shares follow from the lines, in one rounding for each publisher.
        for share in invoice.shares {
            let own = invoice.lines.filter { $0.plugin.publisher == share.publisher }
            guard RevenueShare.developer(own) == share.developer.minor,
                own.map(\.net).reduce(.zero(invoice.currency), +) == share.nets
            else { throw fail(place, "the share of \(share.publisher.text) is not that of its lines") }
        }
        for tax in invoice.taxes {
            let own = invoice.lines.filter { $0.taxCategory == tax.category && $0.taxRate == tax.rate }
            let taxable = own.map(\.net).reduce(.zero(invoice.currency), +)
            guard taxable == tax.taxable, let ratio = Exact.ratio(percent: tax.rate),
                try Tax.amount(on: taxable, ratio: ratio) == tax.tax
            else { throw fail(place, "the tax of \(tax.category) \(tax.rate) is not that of its lines") }
        }
        let developers = invoice.shares.map(\.developer).reduce(.zero(invoice.currency), +)
        let platform = invoice.shares.map(\.platform).reduce(.zero(invoice.currency), +)
        guard developers + platform + invoice.tax == invoice.total else {
            throw fail(place, "the total is not developers + platform + tax")
        }
        guard let entry = entries["invoice:\(invoice.number)"] else {
            throw fail(place, "is not in the journal")
        }
        let expected = BillingNight.booking(of: invoice, on: entry.day).postings.filter { !$0.money.isZero }
        guard entry.postings == expected else { throw fail(place, "is booked with other amounts") }
        add("charged", invoice.total)
        add("developers", developers)
        add("platform", platform)
        add("tax", invoice.tax)
    }

    private mutating func add(_ name: String, _ money: Money) {
        lifetime[name, default: [:]][money.currency, default: .zero(money.currency)] += money
    }

    private mutating func readPayouts(_ month: BillingPeriod) throws(BillingError) {
        let folder = "\(night.paths.folder(month))/payouts"
        let names = try BillingError.storing { () throws(MeteringError) in try night.disk.list(folder) }
        for name in names where name.hasPrefix("PO-") && name.hasSuffix(".json") {
            let place = "\(folder)/\(name)"
            let statement = try BillingJSON.decode(
                PayoutStatement.self, from: try night.read(place), subject: name)
            if let violation = statement.firstViolation() { throw fail(place, violation) }
            guard let entry = entries["payout:\(statement.number)"],
                entry.postings == [
                    Posting(account: Account.payable(statement.publisher), money: statement.paid),
                    Posting(account: Account.bank, money: -statement.paid),
                ]
            else { throw fail(place, "is not in the journal with this amount") }
            paidOut[statement.currency, default: 0] += statement.paid.minor
            payoutCount += 1
            add("paid out", statement.paid)
        }
    }

    /// Numbers without a gap, each naming the digest of the one before.
    private func checkChain() throws(BillingError) {
        var previous: Digest?
        for (index, entry) in numbers.sorted(by: { Bytes($0.number) < Bytes($1.number) }).enumerated() {
            guard entry.number == night.documentNumber(night.config.invoicePrefix, Int64(index + 1)) else {
                throw fail(entry.number, "a number before it is missing")
            }
            guard entry.previous == previous else {
                throw fail(entry.number, "does not name the invoice before it")
            }
            previous = entry.digest
        }
    }

    /// Over all accounts and all time each currency adds up to zero, nobody was paid more than was collected, and
    /// what is in the journal is what the documents say.
    private func checkTotals() throws(BillingError) {
        var sums: [Currency: Int64] = [:]
        for (account, byCurrency) in balances {
            for (currency, minor) in byCurrency {
                sums[currency, default: 0] += minor
                let isOverdrawn = account.hasPrefix("assets:receivable:") && minor < 0
                if isOverdrawn {
                    throw fail(
                        account, "a customer paid more than was owed: \(Money(minor: minor, currency))")
                }
                if account.hasSuffix(":accrued") && minor > 0 {
                    throw fail(account, "more was settled than was earned: \(Money(minor: minor, currency))")
                }
            }
        }
        for (currency, minor) in sums where minor != 0 {
            throw fail("all accounts", "do not add up to zero: \(Money(minor: minor, currency))")
        }
        let payouts = entries.values.filter { $0.key.hasPrefix("payout:") }.count
        guard payouts == payoutCount else {
            throw fail("payouts", "\(payouts) are booked, \(payoutCount) are written")
        }
        let invoices = entries.values.filter { $0.key.hasPrefix("invoice:") }.count
        guard invoices == invoiceCount else {
            throw fail("invoices", "\(invoices) are booked, \(invoiceCount) are written")
        }
    }

    struct Report: Codable {
        var schema = 1
        var invoices: Int
        var entries: Int
        var payouts: Int
        /// By name, then currency.
        var lifetime: [String: [String: String]]
        var balances: [String: [String: String]]
    }

    func report() -> Report {
        func texts(_ money: [Currency: Int64]) -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: money.map { ($0.key.code, Money(minor: $0.value, $0.key).amount) })
        }
        return Report(
            invoices: invoiceCount, entries: entryCount, payouts: payoutCount,
            lifetime: lifetime.mapValues { values in texts(values.mapValues(\.minor)) },
            balances: balances.mapValues(texts))
    }
}

/// Text that compares by its bytes.
private struct Bytes: Comparable {
    let text: String
    init(_ text: String) { self.text = text }
    static func < (a: Bytes, b: Bytes) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}
