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
            "invoices": Int64(reader.invoiceCount), "credits": Int64(reader.creditCount),
            "entries": Int64(reader.entryCount), "payouts": Int64(reader.payoutCount),
        ]
        for (name, money) in reader.lifetime.sorted(by: { $0.key < $1.key }) {
            for (_, value) in money.sorted(by: { $0.key < $1.key }) { summary.add(name, value) }
        }
        try write(
            "\(paths.billing)/reconcile.json", try BillingJSON.encode(reader.report(), subject: "reconcile"))
        return summary
    }

    private func exportJournals() throws(BillingError) {
        let months = try ledger.read { try $0.months() }
        var balances: [String: [Currency: Int64]] = [:]
        for month in months {
            let bookings = try ledger.read { try $0.bookings(from: month.firstDay, to: month.endDay) }
            let before = balances
            let exports = try inParallel([true, false]) { (isHledger) throws(BillingError) in
                var after = before
                if isHledger {
                    try write(paths.file(month, "journal.hledger"), JournalExport.hledger(bookings))
                } else {
                    try write(
                        paths.file(month, "journal.beancount"),
                        JournalExport.beancount(bookings, before: month.endDay, balances: &after))
                }
                return after
            }
            balances = exports[1]
        }
        if months.isEmpty { return }
        try write("\(paths.billing)/books.hledger", JournalExport.hledgerBooks(months))
        try write(
            "\(paths.billing)/books.beancount", JournalExport.beancountBooks(balances.keys.sorted(), months))
    }
}

/// What `reconcile` finds in the files.
struct Reconciliation {
    let night: BillingNight
    private(set) var invoiceCount = 0
    private(set) var entryCount = 0
    private(set) var payoutCount = 0
    private(set) var creditCount = 0
    /// Invoices with what was credited on them, by number.
    private var standing: [String: (invoice: Invoice, notes: [CreditNote])] = [:]
    /// What was charged and whose it is, by day and currency, from the journal alone.
    private var days: [Day: [Currency: DaySum]] = [:]

    struct DaySum {
        var charged: Int64 = 0
        var developers: Int64 = 0
        var platform: Int64 = 0
        var tax: Int64 = 0
    }
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
        try readJournals(months)
        var book = PriceBook()
        try book.thaw(from: night.paths.prices, night.disk)
        secondRater = SlowRater(prices: book.prices)
        for (index, month) in months.enumerated() {
            night.progress("reconcile", index, months.count)
            try readInvoices(month)
            try readPayouts(month)
        }
        for month in months { try readCredits(month) }
        night.progress("reconcile", months.count, months.count)
        try checkDays()
        try checkChain()
        try checkTotals()
    }

    private func fail(_ place: String, _ why: String) -> BillingError {
        BillingError(.conservation, place, why)
    }

    private mutating func readJournals(_ months: [BillingPeriod]) throws(BillingError) {
        let stage = night
        let journals = try inParallel(months) { (month) throws(BillingError) -> [JournalFile.Entry] in
            let path = stage.paths.file(month, "journal.hledger")
            guard let bytes = try stage.readIfPresent(path) else { return [] }
            return try JournalFile(bytes, subject: path).entries
        }
        for (month, entries) in zip(months, journals) { try check(entries, month) }
    }

    private mutating func check(_ journal: [JournalFile.Entry], _ month: BillingPeriod) throws(BillingError) {
        let path = night.paths.file(month, "journal.hledger")
        for entry in journal {
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
            if entry.key.hasPrefix("invoice:") || entry.key.hasPrefix("credit:") { count(entry) }
        }
    }

    private mutating func count(_ entry: JournalFile.Entry) {
        for posting in entry.postings {
            let currency = posting.money.currency
            var sum = days[entry.day]?[currency] ?? DaySum()
            if posting.account.hasPrefix("assets:receivable:") { sum.charged += posting.money.minor }
            if posting.account.hasPrefix("liabilities:publishers:") { sum.developers -= posting.money.minor }
            if posting.account == Account.platform { sum.platform -= posting.money.minor }
            if posting.account.hasPrefix("liabilities:tax:") { sum.tax -= posting.money.minor }
            days[entry.day, default: [:]][currency] = sum
        }
    }

    /// Customers' charges are developers' shares, the platform's part and tax, on each day and in each currency.
    private func checkDays() throws(BillingError) {
        for (day, currencies) in days.sorted(by: { $0.key < $1.key }) {
            for (currency, sum) in currencies
            where sum.charged != sum.developers + sum.platform + sum.tax {
                throw fail("\(day) \(currency.code)", "the charges are not developers + platform + tax")
            }
        }
    }

    private mutating func readInvoices(_ month: BillingPeriod) throws(BillingError) {
        let folder = "\(night.paths.folder(month))/invoices"
        let names = try BillingError.storing { () throws(MeteringError) in try night.disk.list(folder) }
        let own = names.filter { $0.hasSuffix(".json") && !$0.hasSuffix("-credit.json") }
        let (stage, check) = (night, InvoiceCheck(secondRater: secondRater, entries: entries))
        let checked = try inParallel(own) { (name) throws(BillingError) in
            let place = "\(folder)/\(name)"
            let bytes = try stage.read(place)
            let invoice = try Invoice(json: bytes, subject: name)
            guard "\(invoice.number).json" == name, invoice.period == month else {
                throw BillingError(.conservation, place, "is another invoice than its name says")
            }
            try check.check(invoice, place)
            return (
                invoice: invoice, digest: Digest.sha256(of: bytes),
                proof: try LineProof.csv(try LineProof.rows(of: invoice))
            )
        }
        for (invoice, digest, _) in checked {
            numbers.append((invoice.number, digest, invoice.previous))
            standing[invoice.number] = (invoice, [])
            invoiceCount += 1
            add("charged", invoice.total)
            let zero = Money.zero(invoice.currency)
            add("developers", invoice.shares.map(\.developer).reduce(zero, +))
            add("platform", invoice.shares.map(\.platform).reduce(zero, +))
            add("tax", invoice.tax)
        }
        try LineProof.write(checked.map(\.proof), night, month)
    }

    /// Credit notes in the order of their numbers: each must be what the invoice and the notes before it give.
    private mutating func readCredits(_ month: BillingPeriod) throws(BillingError) {
        let folder = "\(night.paths.folder(month))/invoices"
        let names = try BillingError.storing { () throws(MeteringError) in try night.disk.list(folder) }
        var notes: [(note: CreditNote, digest: Digest, place: String)] = []
        for name in names where name.hasSuffix("-credit.json") {
            let bytes = try night.read("\(folder)/\(name)")
            let note = try BillingJSON.decode(CreditNote.self, from: bytes, subject: name)
            guard "\(note.number)-credit.json" == name, note.issued.period == month else {
                throw fail("\(folder)/\(name)", "is another credit note than its name says")
            }
            notes.append((note, Digest.sha256(of: bytes), "\(folder)/\(name)"))
        }
        for (note, digest, place) in notes.sorted(by: { Bytes($0.note.number) < Bytes($1.note.number) }) {
            guard let before = standing[note.invoice] else {
                throw fail(place, "corrects \(note.invoice), which is not there")
            }
            var parts = Array(repeating: Money.zero(note.currency), count: before.invoice.lines.count)
            for line in note.lines {
                guard parts.indices.contains(line.invoiceLine - 1) else {
                    throw fail(place, "takes back a line that the invoice has not")
                }
                parts[line.invoiceLine - 1] += line.net
            }
            let expected = try CreditedInvoice(before.invoice, before.notes).note(
                parts, number: note.number, issued: note.issued, reason: note.reason, previous: note.previous)
            guard note == expected, note.firstViolation() == nil else {
                throw fail(place, "its amounts do not follow from its invoice and the notes before it")
            }
            guard let entry = entries["credit:\(note.number)"],
                entry.postings == BillingNight.booking(of: note).postings.filter({ !$0.money.isZero })
            else { throw fail(place, "is not in the journal with these amounts") }
            standing[note.invoice]!.notes.append(note)
            let left = CreditedInvoice(before.invoice, standing[note.invoice]!.notes).left
            guard left.minor >= 0 else { throw fail(place, "more was taken back than was charged") }
            numbers.append((note.number, digest, note.previous))
            creditCount += 1
            add("credited", note.total)
        }
    }

    private mutating func add(_ name: String, _ money: Money) {
        lifetime[name, default: [:]][money.currency, default: .zero(money.currency)] += money
    }

    private mutating func readPayouts(_ month: BillingPeriod) throws(BillingError) {
        let folder = "\(night.paths.folder(month))/payouts"
        let names = try BillingError.storing { () throws(MeteringError) in try night.disk.list(folder) }
        let own = names.filter { $0.hasPrefix("PO-") && $0.hasSuffix(".json") }
        let stage = night
        let statements = try inParallel(own) { (name) throws(BillingError) in
            let place = "\(folder)/\(name)"
            let statement = try PayoutStatement(json: try stage.read(place), subject: name)
            if let violation = statement.firstViolation() {
                throw BillingError(.conservation, place, violation)
            }
            return statement
        }
        for (name, statement) in zip(own, statements) {
            let place = "\(folder)/\(name)"
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
        let credits = entries.values.filter { $0.key.hasPrefix("credit:") }.count
        guard credits == creditCount else {
            throw fail("credit notes", "\(credits) are booked, \(creditCount) are written")
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
        var credits: Int
        /// By day, then currency: what was charged, and whose it is.
        var days: [String: [String: [String: String]]]
        /// By name, then currency.
        var lifetime: [String: [String: String]]
        var balances: [String: [String: String]]
    }

    func report() -> Report {
        func texts(_ money: [Currency: Int64]) -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: money.map { ($0.key.code, Money(minor: $0.value, $0.key).amount) })
        }
        func texts(_ sums: [Currency: DaySum]) -> [String: [String: String]] {
            Dictionary(
                uniqueKeysWithValues: sums.map { currency, sum in
                    func text(_ minor: Int64) -> String { Money(minor: minor, currency).amount }
                    return (
                        currency.code,
                        [
                            "charged": text(sum.charged), "developers": text(sum.developers),
                            "platform": text(sum.platform), "tax": text(sum.tax),
                        ]
                    )
                })
        }
        return Report(
            invoices: invoiceCount, entries: entryCount, payouts: payoutCount, credits: creditCount,
            days: Dictionary(uniqueKeysWithValues: days.map { ($0.key.description, texts($0.value)) }),
            lifetime: lifetime.mapValues { values in texts(values.mapValues(\.minor)) },
            balances: balances.mapValues(texts))
    }
}

/// What must hold of one invoice's file by itself, and beside the journal.
private struct InvoiceCheck: Sendable {
    let secondRater: SlowRater
    let entries: [String: JournalFile.Entry]

    private func fail(_ place: String, _ why: String) -> BillingError {
        BillingError(.conservation, place, why)
    }

    func check(_ invoice: Invoice, _ place: String) throws(BillingError) {
        if let violation = invoice.firstViolation() { throw fail(place, violation) }
        if let difference = secondRater.firstDifference(invoice) { throw fail(place, difference) }
        // The shares follow from the lines, in one rounding for each publisher.
        let byPublisher = Dictionary(grouping: invoice.lines, by: \.plugin.publisher)
        for share in invoice.shares {
            let own = byPublisher[share.publisher] ?? []
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
    }
}

/// Text that compares by its bytes.
private struct Bytes: Comparable {
    let text: String
    init(_ text: String) { self.text = text }
    static func < (a: Bytes, b: Bytes) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}
