internal import Marketplace
internal import Metering

/// An invoice as rows with the column names of FOCUS (FinOps Open Cost and Usage Specification, 1.1): one row for
/// each line, each discount of a line, and each tax. The billed costs add up to the invoice's total.
enum FocusCSV {
    static let columns = [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
        "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
        "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
        "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory",
        "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ServiceCategory",
        "ServiceName", "SkuId", "SkuPriceId",
    ]

    static func bytes(_ invoice: Invoice) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, columns)
        let common = common(invoice.number, invoice)
        for line in invoice.lines {
            CSV.append(&out, row(charge(line, common)))
            if line.discount.isZero { continue }
            var discount = common
            describe(&discount, line)
            discount["ChargeCategory"] = "Credit"
            discount["ChargeDescription"] = "discount on line \(line.number)"
            set(&discount, cost: -line.discount)
            discount["ListCost"] = "0"
            CSV.append(&out, row(discount))
        }
        for tax in invoice.taxes where !tax.tax.isZero {
            CSV.append(&out, row(self.tax(tax, common)))
        }
        return out
    }

    /// A credit note corrects: its rows are negative.
    static func bytes(_ note: CreditNote, _ invoice: Invoice) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, columns)
        for line in note.lines {
            var values = common(note.number, invoice)
            describe(&values, invoice.lines[line.invoiceLine - 1])
            values["ChargeCategory"] = "Credit"
            values["ChargeClass"] = "Correction"
            values["ChargeDescription"] = "\(note.reason): line \(line.invoiceLine) of \(note.invoice)"
            set(&values, cost: -line.net)
            CSV.append(&out, row(values))
        }
        for tax in note.taxes where !tax.tax.isZero {
            var values = self.tax(tax, common(note.number, invoice))
            values["ChargeClass"] = "Correction"
            set(&values, cost: -tax.tax)
            CSV.append(&out, row(values))
        }
        return out
    }

    private static func row(_ values: [String: String]) -> [String] { columns.map { values[$0] ?? "" } }

    private static func common(_ number: String, _ invoice: Invoice) -> [String: String] {
        [
            "BillingAccountId": invoice.tenant.text, "BillingAccountName": invoice.customer.name,
            "BillingCurrency": invoice.currency.code, "ChargeFrequency": "Recurring",
            "BillingPeriodStart": invoice.period.firstDay.start.description,
            "BillingPeriodEnd": invoice.period.endDay.start.description,
            "ChargePeriodStart": invoice.period.firstDay.start.description,
            "ChargePeriodEnd": invoice.period.endDay.start.description, "InvoiceId": number,
            "InvoiceIssuerName": invoice.seller.name, "ProviderName": invoice.seller.name,
            "ServiceCategory": "Other",
        ]
    }

    private static func set(_ values: inout [String: String], cost: Money) {
        for column in ["BilledCost", "EffectiveCost", "ContractedCost", "ListCost"] {
            values[column] = cost.amount
        }
    }

    private static func describe(_ values: inout [String: String], _ line: InvoiceLine) {
        values["PublisherName"] = line.plugin.publisher.text
        values["ServiceName"] = line.plugin.text
        values["ResourceId"] = line.plugin.text
        values["SkuId"] = "\(line.plugin.text)/\(line.plan)" + (line.metric.map { "/\($0)" } ?? "")
        values["SkuPriceId"] = line.price.hex
        values["ChargePeriodStart"] = line.from.start.description
        values["ChargePeriodEnd"] = line.to.start.description
    }

    private static func charge(_ line: InvoiceLine, _ common: [String: String]) -> [String: String] {
        var values = common
        describe(&values, line)
        set(&values, cost: line.amount)
        values["ChargeDescription"] = line.description
        switch line.kind {
        case .usage: (values["ChargeCategory"], values["ChargeFrequency"]) = ("Usage", "Usage-Based")
        case .purchase: (values["ChargeCategory"], values["ChargeFrequency"]) = ("Purchase", "One-Time")
        case .base: values["ChargeCategory"] = "Purchase"
        case .minimum, .maximum, .spendCap: values["ChargeCategory"] = "Adjustment"
        }
        values["PricingCategory"] = "Standard"
        if let metric = line.metric {
            values["ConsumedQuantity"] = String(line.quantity)
            values["ConsumedUnit"] = metric
            values["PricingQuantity"] = String(line.charged)
            values["PricingUnit"] = metric
        } else if line.kind == .base || line.kind == .purchase {
            values["PricingQuantity"] = line.seats.map { String($0) } ?? "1"
            values["PricingUnit"] = line.seats == nil ? "plan" : "seats"
        }
        values["ListUnitPrice"] = line.unitAmount?.description
        return values
    }

    private static func tax(_ tax: InvoiceTax, _ common: [String: String]) -> [String: String] {
        var values = common
        values["ChargeCategory"] = "Tax"
        values["ChargeDescription"] = "tax \(tax.category) \(tax.rate) % of \(tax.taxable.amount)"
        set(&values, cost: tax.tax)
        return values
    }
}
