internal import Marketplace
internal import Metering

/// An invoice as rows with the column names of FOCUS (FinOps Open Cost and Usage Specification, 1.1): one row for
/// each line, each discount of a line, and each tax. The billed costs add up to the invoice's total.
enum FocusCSV {
    private enum Column: Int, CaseIterable {
        case billedCost, billingAccountId, billingAccountName, billingCurrency, billingPeriodEnd
        case billingPeriodStart, chargeCategory, chargeClass, chargeDescription, chargeFrequency
        case chargePeriodEnd, chargePeriodStart, consumedQuantity, consumedUnit, contractedCost
        case effectiveCost, invoiceId, invoiceIssuerName, listCost, listUnitPrice, pricingCategory
        case pricingQuantity, pricingUnit, providerName, publisherName, resourceId, serviceCategory
        case serviceName, skuId, skuPriceId
    }

    static let columns = Column.allCases.map { column in
        let name = "\(column)"
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    /// One cell for each column, empty at first.
    private struct Row {
        private(set) var cells = [String](repeating: "", count: Column.allCases.count)

        subscript(_ column: Column) -> String {
            get { cells[column.rawValue] }
            set { cells[column.rawValue] = newValue }
        }

        mutating func set(cost: Money) {
            let amount = cost.amount
            for column in [Column.billedCost, .effectiveCost, .contractedCost, .listCost] {
                self[column] = amount
            }
        }

        mutating func describe(_ line: InvoiceLine) {
            let plugin = line.plugin.text
            self[.publisherName] = line.plugin.publisher.text
            self[.serviceName] = plugin
            self[.resourceId] = plugin
            self[.skuId] = "\(plugin)/\(line.plan)" + (line.metric.map { "/\($0)" } ?? "")
            self[.skuPriceId] = line.price.hex
            self[.chargePeriodStart] = line.from.start.description
            self[.chargePeriodEnd] = line.to.start.description
        }
    }

    static func bytes(_ invoice: Invoice) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, columns)
        let common = common(invoice.number, invoice)
        for line in invoice.lines {
            CSV.append(&out, charge(line, common).cells)
            if line.discount.isZero { continue }
            var discount = common
            discount.describe(line)
            discount[.chargeCategory] = "Credit"
            discount[.chargeDescription] = "discount on line \(line.number)"
            discount.set(cost: -line.discount)
            discount[.listCost] = "0"
            CSV.append(&out, discount.cells)
        }
        for tax in invoice.taxes where !tax.tax.isZero {
            CSV.append(&out, self.tax(tax, common).cells)
        }
        return out
    }

    /// A credit note corrects: its rows are negative.
    static func bytes(_ note: CreditNote, _ invoice: Invoice) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, columns)
        let common = common(note.number, invoice)
        for line in note.lines {
            var row = common
            row.describe(invoice.lines[line.invoiceLine - 1])
            row[.chargeCategory] = "Credit"
            row[.chargeClass] = "Correction"
            row[.chargeDescription] = "\(note.reason): line \(line.invoiceLine) of \(note.invoice)"
            row.set(cost: -line.net)
            CSV.append(&out, row.cells)
        }
        for tax in note.taxes where !tax.tax.isZero {
            var row = self.tax(tax, common)
            row[.chargeClass] = "Correction"
            row.set(cost: -tax.tax)
            CSV.append(&out, row.cells)
        }
        return out
    }

    private static func common(_ number: String, _ invoice: Invoice) -> Row {
        var row = Row()
        row[.billingAccountId] = invoice.tenant.text
        row[.billingAccountName] = invoice.customer.name
        row[.billingCurrency] = invoice.currency.code
        row[.chargeFrequency] = "Recurring"
        row[.billingPeriodStart] = invoice.period.firstDay.start.description
        row[.billingPeriodEnd] = invoice.period.endDay.start.description
        row[.chargePeriodStart] = row[.billingPeriodStart]
        row[.chargePeriodEnd] = row[.billingPeriodEnd]
        row[.invoiceId] = number
        row[.invoiceIssuerName] = invoice.seller.name
        row[.providerName] = invoice.seller.name
        row[.serviceCategory] = "Other"
        return row
    }

    private static func charge(_ line: InvoiceLine, _ common: Row) -> Row {
        var row = common
        row.describe(line)
        row.set(cost: line.amount)
        row[.chargeDescription] = line.description
        switch line.kind {
        case .usage: (row[.chargeCategory], row[.chargeFrequency]) = ("Usage", "Usage-Based")
        case .purchase: (row[.chargeCategory], row[.chargeFrequency]) = ("Purchase", "One-Time")
        case .base: row[.chargeCategory] = "Purchase"
        case .minimum, .maximum, .spendCap: row[.chargeCategory] = "Adjustment"
        }
        row[.pricingCategory] = "Standard"
        if let metric = line.metric {
            row[.consumedQuantity] = String(line.quantity)
            row[.consumedUnit] = metric
            row[.pricingQuantity] = String(line.charged)
            row[.pricingUnit] = metric
        } else if line.kind == .base || line.kind == .purchase {
            row[.pricingQuantity] = line.seats.map { String($0) } ?? "1"
            row[.pricingUnit] = line.seats == nil ? "plan" : "seats"
        }
        row[.listUnitPrice] = line.unitAmount?.description ?? ""
        return row
    }

    private static func tax(_ tax: InvoiceTax, _ common: Row) -> Row {
        var row = common
        row[.chargeCategory] = "Tax"
        row[.chargeDescription] = "tax \(tax.category) \(tax.rate) % of \(tax.taxable.amount)"
        row.set(cost: tax.tax)
        return row
    }
}
