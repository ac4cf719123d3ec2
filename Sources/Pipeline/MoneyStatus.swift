import Marketplace

/// What `veroforge status` says of the last night's books, from the files that the night wrote.
struct MoneyStatus: Sendable {
    let asOf: String
    let invoices: Int64
    let credits: Int64
    let payouts: Int64
    /// By name, then currency.
    let totals: [(name: String, currency: String, amount: String)]

    /// nil before the first night.
    init?(_ data: DataDirectory) {
        func read(_ name: String) -> JSONValue? {
            (try? Files.read("\(data.billing)/\(name)")).flatMap { try? JSONValue.parse($0) }
        }
        guard let books = read("reconcile.json"), let manifest = read("manifest.json"),
            let asOf = manifest["asOf"]?.stringValue, case .object(let lifetime)? = books["lifetime"]
        else { return nil }
        func count(_ name: String) -> Int64 {
            if case .integer(let number)? = books[name] { return number }
            return 0
        }
        self.asOf = asOf
        (invoices, credits, payouts) = (count("invoices"), count("credits"), count("payouts"))
        var totals: [(name: String, currency: String, amount: String)] = []
        for (name, value) in lifetime.sorted(by: { $0.key < $1.key }) {
            guard case .object(let amounts) = value else { continue }
            for (currency, amount) in amounts.sorted(by: { $0.key < $1.key }) {
                totals.append((name, currency, amount.stringValue ?? ""))
            }
        }
        self.totals = totals
    }

    var json: JSONValue {
        [
            "asOf": .string(asOf), "invoices": .integer(invoices), "credits": .integer(credits),
            "payouts": .integer(payouts),
            "totals": .array(
                totals.map {
                    [
                        "name": .string($0.name), "currency": .string($0.currency),
                        "amount": .string($0.amount),
                    ]
                }),
        ]
    }

    var lines: [String] {
        [
            "Books as of \(asOf): \(invoices) invoices, \(credits) credit notes, \(payouts) payouts, all reconciled"
        ]
            + totals.map { "  \($0.name): \($0.amount) \($0.currency)" }
    }
}
