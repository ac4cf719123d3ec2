internal import Marketplace
internal import Metering

/// What a bank transfer can carry: an exponent of its own for some currencies, so two tables, and refusal of what
/// does not fit.
enum BankRail {
    /// Decimals of an amount in ISO 20022 messages: at most five digits after the point, and never more than the
    /// currency has. Currencies of ISO 4217 with four decimals are units of account, not money that is sent.
    static func refusal(of money: Money) -> String? {
        if money.minor <= 0 { return "only what is more than nothing can be sent" }
        if money.currency.exponent > 3 {
            return "\(money.currency.code) is a unit of account and cannot be sent"
        }
        // Eighteen digits in all (ActiveOrHistoricCurrencyAndAmount).
        if String(money.minor).utf8.count > 18 { return "\(money) has more than 18 digits" }
        return nil
    }
}

/// Payouts as files for the bank: CSV, and an ISO 20022 customer credit transfer.
enum TransferFile {
    static func csv(_ statements: [PayoutStatement]) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, ["payout", "date", "publisher", "name", "iban", "bic", "amount", "currency"])
        for statement in statements.sorted(by: { $0.number < $1.number }) {
            CSV.append(
                &out,
                [
                    statement.number, statement.day.description, statement.publisher.text, statement.name,
                    statement.iban, statement.bic, statement.paid.amount, statement.currency.code,
                ])
        }
        return out
    }

    /// `pain.001.001.09`: one payment information block, one transaction for each payout.
    static func pain001(
        _ statements: [PayoutStatement], day: Day, currency: Currency, _ issuer: BillingConfig.Issuer
    ) throws(BillingError) -> [UInt8] {
        for statement in statements {
            if let why = BankRail.refusal(of: statement.paid) {
                throw BillingError(.rail, statement.number, why)
            }
        }
        let sorted = statements.sorted { $0.number < $1.number }
        let sum = sorted.map(\.paid).reduce(.zero(currency), +)
        let isSEPA = currency.code == "EUR"
        var xml = XMLWriter()
        xml.open("Document", ["xmlns": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"])
        xml.open("CstmrCdtTrfInitn")
        xml.open("GrpHdr")
        xml.leaf("MsgId", "\(sorted.first?.number ?? "PO")-\(currency.code)")
        xml.leaf("CreDtTm", "\(day)T00:00:00Z")
        xml.leaf("NbOfTxs", String(sorted.count))
        xml.leaf("CtrlSum", sum.amount)
        xml.open("InitgPty")
        xml.leaf("Nm", XMLWriter.text(issuer.name, 70))
        xml.close()
        xml.close()
        xml.open("PmtInf")
        xml.leaf("PmtInfId", "\(day)-\(currency.code)")
        xml.leaf("PmtMtd", "TRF")
        xml.leaf("NbOfTxs", String(sorted.count))
        xml.leaf("CtrlSum", sum.amount)
        if isSEPA {
            xml.open("PmtTpInf")
            xml.open("SvcLvl")
            xml.leaf("Cd", "SEPA")
            xml.close()
            xml.close()
        }
        xml.open("ReqdExctnDt")
        xml.leaf("Dt", day.description)
        xml.close()
        xml.open("Dbtr")
        xml.leaf("Nm", XMLWriter.text(issuer.name, 70))
        xml.close()
        account(&xml, "DbtrAcct", issuer.iban)
        agent(&xml, "DbtrAgt", issuer.bic)
        if isSEPA { xml.leaf("ChrgBr", "SLEV") }
        for statement in sorted {
            xml.open("CdtTrfTxInf")
            xml.open("PmtId")
            xml.leaf("EndToEndId", statement.number)
            xml.close()
            xml.open("Amt")
            xml.leaf("InstdAmt", statement.paid.amount, ["Ccy": currency.code])
            xml.close()
            agent(&xml, "CdtrAgt", statement.bic)
            xml.open("Cdtr")
            xml.leaf("Nm", XMLWriter.text(statement.name, 70))
            xml.close()
            account(&xml, "CdtrAcct", statement.iban)
            xml.open("RmtInf")
            xml.leaf("Ustrd", "Payout \(statement.number)")
            xml.close()
            xml.close()
        }
        xml.close()
        xml.close()
        xml.close()
        return xml.bytes
    }

    private static func account(_ xml: inout XMLWriter, _ name: String, _ iban: String) {
        xml.open(name)
        xml.open("Id")
        xml.leaf("IBAN", iban.filter { !$0.isWhitespace })
        xml.close()
        xml.close()
    }

    private static func agent(_ xml: inout XMLWriter, _ name: String, _ bic: String) {
        xml.open(name)
        xml.open("FinInstnId")
        if bic.isEmpty {
            xml.open("Othr")
            xml.leaf("Id", "NOTPROVIDED")
            xml.close()
        } else {
            xml.leaf("BICFI", bic)
        }
        xml.close()
        xml.close()
    }
}

/// Writes XML: elements in order, two spaces of indent, the five entities.
struct XMLWriter {
    private(set) var bytes = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".utf8)
    private var stack: [String] = []

    mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        begin(name, attributes)
        bytes.append(0x0A)
        stack.append(name)
    }

    mutating func close() {
        let name = stack.removeLast()
        indent()
        end(name)
    }

    mutating func leaf(_ name: String, _ text: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        begin(name, attributes)
        bytes.append(contentsOf: XMLText.escaped(text).utf8)
        end(name)
    }

    private mutating func indent() {
        for _ in stack {
            bytes.append(0x20)
            bytes.append(0x20)
        }
    }

    private mutating func begin(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        indent()
        bytes.append(UInt8(ascii: "<"))
        bytes.append(contentsOf: name.utf8)
        for (key, value) in attributes {
            bytes.append(0x20)
            bytes.append(contentsOf: key.utf8)
            bytes.append(UInt8(ascii: "="))
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: XMLText.escaped(value).utf8)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: ">"))
    }

    private mutating func end(_ name: String) {
        bytes.append(UInt8(ascii: "<"))
        bytes.append(UInt8(ascii: "/"))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: ">"))
        bytes.append(0x0A)
    }

    /// At most so many characters, one at least.
    static func text(_ text: String, _ most: Int) -> String {
        // No text has more characters than bytes.
        let cut = text.utf8.count <= most ? text : String(text.prefix(most))
        return cut.isEmpty ? "-" : cut
    }
}
