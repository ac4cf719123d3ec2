internal import Marketplace

/// Bookings as plain text that hledger, ledger and beancount read: exact minor digits, no display directives.
enum JournalExport {
    /// hledger and ledger: the same file.
    static func hledger(_ bookings: [Booking]) -> [UInt8] {
        var out = "; Exact amounts, debit positive. Made by the night from ledger.sqlite.\n"
        for booking in bookings {
            out += "\n\(booking.day) * \(clean(booking.description))\n    ; key: \(clean(booking.key))\n"
            for posting in booking.postings {
                out += "    \(posting.account)  \(posting.money)\n"
            }
        }
        return Array(out.utf8)
    }

    /// beancount, one month: its transactions, and at its end the balance of every account that it touched, of all
    /// time, with a tolerance of zero. `balances` is brought forward from month to month.
    static func beancount(
        _ bookings: [Booking], before day: Day, balances: inout [String: [Currency: Int64]]
    ) -> [UInt8] {
        var out = ""
        var touched: Set<String> = []
        for booking in bookings {
            out +=
                "\n\(booking.day) * \"\(quoted(booking.description))\"\n  key: \"\(quoted(booking.key))\"\n"
            for posting in booking.postings {
                let account = beancountAccount(posting.account)
                out += "  \(account)  \(posting.money)\n"
                balances[account, default: [:]][posting.money.currency, default: 0] += posting.money.minor
                touched.insert(account)
            }
        }
        out += "\n"
        for account in touched.sorted() {
            for (currency, minor) in balances[account]!.sorted(by: { $0.key < $1.key }) {
                let amount = Money(minor: minor, currency).amount
                out += "\(day) balance \(account)  \(amount) ~ 0 \(currency.code)\n"
            }
        }
        return Array(out.utf8)
    }

    /// The whole books for beancount: every account opened, every month included.
    static func beancountBooks(_ accounts: [String], _ months: [BillingPeriod]) -> [UInt8] {
        var out = "option \"title\" \"VeroForge Marketplace\"\n"
        if let first = months.first {
            for account in accounts { out += "\(first.firstDay) open \(account)\n" }
        }
        for month in months { out += "include \"\(month)/journal.beancount\"\n" }
        return Array(out.utf8)
    }

    /// The same for hledger and ledger.
    static func hledgerBooks(_ months: [BillingPeriod]) -> [UInt8] {
        Array(months.map { "include \($0)/journal.hledger\n" }.joined().utf8)
    }

    /// `revenue:platform` is `Income:Platform`: each part begins with a capital letter or a digit.
    static func beancountAccount(_ account: String) -> String {
        var parts = account.split(separator: ":").map(String.init)
        if parts[0] == "revenue" { parts[0] = "income" }
        return parts.map { part in
            let allowed = String(part.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
            return allowed.prefix(1).uppercased() + allowed.dropFirst()
        }.joined(separator: ":")
    }

    /// A description on one line, without what a journal gives a meaning to.
    private static func clean(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == ";" || $0 == "|" ? " " : $0 })
    }

    private static func quoted(_ text: String) -> String {
        clean(text).split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "'")
    }
}

/// A journal read back: `reconcile` trusts the exported files, not the tables that wrote them.
struct JournalFile {
    struct Entry {
        var day: Day
        var description: String
        var key: String
        var postings: [Posting]
    }

    private(set) var entries: [Entry] = []

    init(_ bytes: [UInt8], subject: String) throws(BillingError) {
        for (index, slice) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = String(decoding: slice, as: UTF8.self)
            if line.isEmpty || line.hasPrefix(";") { continue }
            func fail(_ why: String) -> BillingError {
                BillingError(.conservation, "\(subject):\(index + 1)", why)
            }
            if line.hasPrefix("    ; key: ") {
                guard !entries.isEmpty else { throw fail("a key without an entry") }
                entries[entries.count - 1].key = String(line.dropFirst(11))
            } else if line.hasPrefix("    ") {
                let parts = line.split(separator: " ")
                guard parts.count == 3, let currency = Currency(String(parts[2])),
                    let money = Money(String(parts[1]), currency), !entries.isEmpty
                else { throw fail("no posting") }
                entries[entries.count - 1].postings.append(Posting(account: String(parts[0]), money: money))
            } else {
                guard let day = Day(String(line.prefix(10))), line.dropFirst(10).hasPrefix(" * ") else {
                    throw fail("no entry")
                }
                entries.append(
                    Entry(day: day, description: String(line.dropFirst(13)), key: "", postings: []))
            }
        }
    }
}
