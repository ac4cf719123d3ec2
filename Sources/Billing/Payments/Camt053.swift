internal import Marketplace

/// Credit entries of an ISO 20022 bank-to-customer statement (camt.053).
enum Camt053 {
    static func credits(_ bytes: [UInt8], _ name: String) throws(BillingError) -> [PaymentReceipt] {
        let root = try XMLTree.parse(bytes, name)
        var receipts: [PaymentReceipt] = []
        for entry in root.all("Stmt").flatMap({ $0.children(named: "Ntry") }) {
            let isBooked = (entry.first("Sts")?.leafText ?? "BOOK") == "BOOK"
            guard entry.first("CdtDbtInd")?.text == "CRDT", isBooked else { continue }
            guard let amount = entry.first("Amt"),
                let currency = amount.attributes["Ccy"].flatMap({ Currency($0) }),
                let money = Money(amount.text, currency),
                let date = (entry.first("ValDt") ?? entry.first("BookgDt"))?.leafText,
                let day = Day(String(date.prefix(10))),
                let id = entry.first("AcctSvcrRef")?.text ?? entry.first("NtryRef")?.text, !id.isEmpty
            else { throw BillingError(.input, name, "an entry lacks amount, date or reference") }
            let texts = ["Ustrd", "Ref", "EndToEndId"].flatMap { entry.all($0).map(\.text) }
            receipts.append(
                PaymentReceipt(
                    id: id, day: day, money: money,
                    reference: texts.filter { !$0.isEmpty }.joined(separator: " ")))
        }
        return receipts
    }
}
