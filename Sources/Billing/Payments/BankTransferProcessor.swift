internal import Marketplace
public import Metering

/// The embedded default: invoices are paid by bank transfer, with the invoice's number as the reference. Reads bank
/// statements from a folder: CSV (`id,date,amount,currency,reference,payer`) and camt.053 (`.xml`).
public struct BankTransferProcessor: PaymentProcessor {
    public static let statementBytesMax = 64 << 20
    public static let csvHeader = "id,date,amount,currency,reference,payer"

    static let ownName = "bank-transfer"
    public let name = BankTransferProcessor.ownName
    public let isPassive = true
    private let folder: String
    private let disk: Disk

    public init(statements folder: String, disk: Disk = Disk()) {
        self.folder = folder
        self.disk = disk
    }

    public func refusal(of intent: PaymentIntent) -> String? { nil }

    /// Nothing is asked of anybody: the invoice itself asks.
    public func request(_ intent: PaymentIntent) throws(BillingError) -> PaymentState { .pending }
    public func lookUp(_ intent: PaymentIntent) throws(BillingError) -> PaymentState? { .pending }

    /// A transfer of our own: it stands in the night's refund file.
    public func refund(_ order: RefundOrder) throws(BillingError) -> PaymentState { .succeeded }
    public func lookUp(_ order: RefundOrder) throws(BillingError) -> PaymentState? { nil }

    public func receipts() throws(BillingError) -> [PaymentReceipt] {
        var receipts: [String: PaymentReceipt] = [:]
        for name in try BillingError.storing({ () throws(MeteringError) in try disk.list(folder) }) {
            guard name.hasSuffix(".csv") || name.hasSuffix(".xml") else { continue }
            let bytes = try BillingError.storing { () throws(MeteringError) in
                try disk.read("\(folder)/\(name)")
            }
            guard bytes.count <= Self.statementBytesMax else {
                throw BillingError(.limit, name, "a statement is at most \(Self.statementBytesMax) bytes")
            }
            let found = name.hasSuffix(".csv") ? try Self.csv(bytes, name) : try Camt053.credits(bytes, name)
            for receipt in found {
                if let held = receipts[receipt.id], held != receipt {
                    throw BillingError(
                        .input, name, "entry `\(receipt.id)` stands elsewhere with another content")
                }
                receipts[receipt.id] = receipt
            }
        }
        return receipts.values.sorted { ($0.day, $0.id) < ($1.day, $1.id) }
    }

    /// Credits only: a negative amount (money that went out) is passed over.
    static func csv(_ bytes: [UInt8], _ name: String) throws(BillingError) -> [PaymentReceipt] {
        var receipts: [PaymentReceipt] = []
        let rows = try CSVReader.rows(bytes, name)
        guard rows.first?.joined(separator: ",") == csvHeader else {
            throw BillingError(.input, name, "its first line is not `\(csvHeader)`")
        }
        for (index, row) in rows.dropFirst().enumerated() {
            guard row.count == 6, !row[0].isEmpty, let day = Day(row[1]), let currency = Currency(row[3]),
                let money = Money(row[2], currency)
            else { throw BillingError(.input, name, "row \(index + 2) is no entry") }
            if money.minor <= 0 { continue }
            receipts.append(PaymentReceipt(id: row[0], day: day, money: money, reference: row[4]))
        }
        return receipts
    }
}

/// RFC 4180, for bank statements.
enum CSVReader {
    static func rows(_ bytes: [UInt8], _ name: String) throws(BillingError) -> [[String]] {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw BillingError(.input, name, "is not UTF-8")
        }
        var rows: [[String]] = []
        var row: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var at = 0
        func endCell() {
            row.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case 0x22 where isQuoted && at + 1 < bytes.count && bytes[at + 1] == 0x22:
                cell.append(0x22)
                at += 1
            case 0x22: isQuoted.toggle()
            case _ where isQuoted: cell.append(byte)
            case 0x2C: endCell()
            case 0x0D: break
            case 0x0A:
                endCell()
                if row != [""] { rows.append(row) }
                row = []
            default: cell.append(byte)
            }
            at += 1
        }
        guard !isQuoted else { throw BillingError(.input, name, "a quote is not closed") }
        if !cell.isEmpty || !row.isEmpty {
            endCell()
            rows.append(row)
        }
        return rows
    }
}
