internal import Marketplace

/// Bookings as plain text that hledger, ledger and beancount read: exact minor digits, no display directives.
enum JournalExport {
    /// hledger and ledger: the same file.
    static func hledger(_ bookings: [Booking]) -> [UInt8] {
        var out = Array("; Exact amounts, debit positive. Made by the night from ledger.sqlite.\n".utf8)
        for booking in bookings {
            out += "\n\(booking.day) * \(clean(booking.description))\n    ; key: \(clean(booking.key))\n".utf8
            for posting in booking.postings { append(posting, to: &out, indent: "    ", posting.account) }
        }
        return out
    }

    private static func append(
        _ posting: Posting, to out: inout [UInt8], indent: String, _ account: String
    ) {
        out += indent.utf8
        out += account.utf8
        out += "  ".utf8
        MinorUnits.append(posting.money, to: &out)
        out.append(UInt8(ascii: " "))
        out += posting.money.currency.code.utf8
        out.append(0x0A)
    }

    /// beancount, one month: its transactions, and at its end the balance of every account that it touched, of all
    /// time, with a tolerance of zero. `balances` is brought forward from month to month.
    static func beancount(
        _ bookings: [Booking], before day: Day, balances: inout [String: [Currency: Int64]]
    ) -> [UInt8] {
        var out: [UInt8] = []
        var names: [String: String] = [:]
        for booking in bookings {
            out +=
                "\n\(booking.day) * \"\(quoted(booking.description))\"\n  key: \"\(quoted(booking.key))\"\n"
                .utf8
            for posting in booking.postings {
                let account = names[posting.account] ?? beancountAccount(posting.account)
                names[posting.account] = account
                append(posting, to: &out, indent: "  ", account)
                balances[account, default: [:]][posting.money.currency, default: 0] += posting.money.minor
            }
        }
        out.append(0x0A)
        for account in Set(names.values).sorted() {
            for (currency, minor) in balances[account]!.sorted(by: { $0.key < $1.key }) {
                let amount = Money(minor: minor, currency).amount
                out += "\(day) balance \(account)  \(amount) ~ 0 \(currency.code)\n".utf8
            }
        }
        return out
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
        // A day's bookings touch the same accounts again and again: each name is made once.
        var accounts: [ArraySlice<UInt8>: String] = [:]
        var currency: Currency?
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.first == UInt8(ascii: ";") { continue }
            func fail(_ why: String) -> BillingError {
                BillingError(.conservation, "\(subject):\(index + 1)", why)
            }
            if line.starts(with: Self.indent), line.dropFirst(4).first != UInt8(ascii: ";") {
                let parts = line.split(separator: UInt8(ascii: " "))
                guard parts.count == 3, !entries.isEmpty else { throw fail("no posting") }
                if currency?.code.utf8.elementsEqual(parts[2]) != true {
                    currency = Currency(String(decoding: parts[2], as: UTF8.self))
                }
                guard let currency, let minor = MinorUnits.read(parts[1], decimals: currency.exponent) else {
                    throw fail("no amount")
                }
                let account = accounts[parts[0]] ?? String(decoding: parts[0], as: UTF8.self)
                accounts[parts[0]] = account
                entries[entries.count - 1].postings.append(
                    Posting(account: account, money: Money(minor: minor, currency)))
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("    ; key: ") {
                guard !entries.isEmpty else { throw fail("a key without an entry") }
                entries[entries.count - 1].key = String(text.dropFirst(11))
            } else {
                guard let day = Day(String(text.prefix(10))), text.dropFirst(10).hasPrefix(" * ") else {
                    throw fail("no entry")
                }
                entries.append(
                    Entry(day: day, description: String(text.dropFirst(13)), key: "", postings: []))
            }
        }
    }

    private static let indent = Array("    ".utf8)
}
