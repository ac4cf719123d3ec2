internal import Marketplace
internal import Mustache

/// Invoices and payout statements as pages, from templates that the caller hands over.
enum BillingPages {
    static func invoice(_ invoice: Invoice, template: String) throws(BillingError) -> [UInt8] {
        try render(template, model(of: invoice), subject: invoice.number)
    }

    static func statement(_ statement: PayoutStatement, template: String) throws(BillingError) -> [UInt8] {
        try render(template, model(of: statement), subject: statement.number)
    }

    static func creditNote(_ note: CreditNote, template: String) throws(BillingError) -> [UInt8] {
        try render(template, model(of: note), subject: note.number)
    }

    static func model(of note: CreditNote) -> [String: Any] {
        [
            "number": note.number, "invoice": note.invoice, "invoiceIssued": note.invoiceIssued.description,
            "reason": note.reason, "tenant": note.tenant.text, "period": note.period.description,
            "issued": note.issued.description, "currency": note.currency.code,
            "seller": party(note.seller), "customer": party(note.customer),
            "lines": note.lines.map {
                [
                    "number": $0.number, "invoiceLine": $0.invoiceLine, "description": $0.description,
                    "net": $0.net.amount,
                ] as [String: Any]
            },
            "taxes": note.taxes.map {
                [
                    "category": $0.category, "rate": $0.rate, "taxable": $0.taxable.amount,
                    "tax": $0.tax.amount,
                ] as [String: Any]
            },
            "net": note.net.amount, "tax": note.tax.amount, "total": note.total.amount,
            "previous": note.previous?.hex ?? "", "hasPrevious": note.previous != nil,
        ]
    }

    private static func party(_ party: Invoice.Party) -> [String: Any] {
        [
            "name": party.name, "address": party.address ?? "", "country": party.country,
            "vatId": party.vatID ?? "", "hasVatId": party.vatID != nil,
        ]
    }

    private static func render(
        _ template: String, _ model: [String: Any], subject: String
    ) throws(BillingError) -> [UInt8] {
        do {
            return Array(try MustacheTemplate(string: template).render(model).utf8)
        } catch {
            throw BillingError(.configuration, subject, "the template cannot be read: \(error)")
        }
    }

    static func model(of invoice: Invoice) -> [String: Any] {
        [
            "number": invoice.number, "tenant": invoice.tenant.text, "period": invoice.period.description,
            "issued": invoice.issued.description, "due": invoice.due.description,
            "currency": invoice.currency.code,
            "seller": party(invoice.seller), "customer": party(invoice.customer),
            "lines": invoice.lines.map(line),
            "discounts": invoice.discounts.map {
                ["coupon": $0.coupon, "amount": (-$0.amount).amount] as [String: Any]
            },
            "taxes": invoice.taxes.map { tax -> [String: Any] in
                [
                    "category": tax.category, "rate": tax.rate, "taxable": tax.taxable.amount,
                    "tax": tax.tax.amount,
                    "isReverseCharge": tax.category == "AE",
                ]
            },
            "net": invoice.net.amount, "tax": invoice.tax.amount, "total": invoice.total.amount,
            "reference": invoice.paymentReference, "iban": invoice.iban, "bic": invoice.bic,
            "previous": invoice.previous?.hex ?? "", "hasPrevious": invoice.previous != nil,
        ]
    }

    private static func line(_ line: InvoiceLine) -> [String: Any] {
        var model: [String: Any] = [
            "number": line.number, "description": line.description, "from": line.from.description,
            "to": line.to.adding(days: -1).description, "amount": line.amount.amount, "net": line.net.amount,
            "discount": line.discount.isZero ? "" : (-line.discount).amount,
            "price": String(line.price.hex.prefix(12)),
            "hasTiers": !line.tiers.isEmpty,
            "lateDays": line.lateDays.map(\.description).joined(separator: ", "),
            "isLate": !line.lateDays.isEmpty, "hasIncluded": line.included != 0,
            "hasDiscount": !line.discount.isZero,
        ]
        model["quantity"] =
            line.metric == nil ? (line.seats.map { "\($0) seats" } ?? "") : grouped(line.quantity)
        model["included"] = line.included == 0 ? "" : grouped(line.included)
        model["unitAmount"] = line.unitAmount?.description ?? ""
        model["tiers"] = line.tiers.map { tier -> [String: Any] in
            [
                "upTo": tier.upTo.map(grouped) ?? "", "quantity": grouped(tier.quantity),
                "unitAmount": tier.unitAmount.description, "flatAmount": tier.flatAmount?.amount ?? "",
                "amount": tier.amount.amount, "isBounded": tier.upTo != nil,
                "hasFlatAmount": tier.flatAmount != nil,
            ]
        }
        return model
    }

    static func model(of statement: PayoutStatement) -> [String: Any] {
        [
            "number": statement.number, "publisher": statement.publisher.text, "name": statement.name,
            "country": statement.country, "iban": statement.iban, "bic": statement.bic,
            "payer": statement.payer,
            "payerVatId": statement.payerVATID, "currency": statement.currency.code,
            "after": statement.after?.description ?? "", "hasAfter": statement.after != nil,
            "day": statement.day.description, "opening": statement.opening.amount,
            "earned": statement.earned.amount,
            "reversed": (-statement.reversed).amount, "held": (-statement.held).amount,
            "paid": (-statement.paid).amount, "payment": statement.paid.amount,
            "closing": statement.closing.amount,
            "waiting": statement.waiting.amount,
            "rows": statement.rows.map { row -> [String: Any] in
                [
                    "invoice": row.invoice, "period": row.period.description, "nets": row.nets.amount,
                    "share": row.share.amount,
                ]
            },
        ]
    }

    /// Digits in groups of three, with a narrow no-break space: display only.
    static func grouped(_ number: Int64) -> String {
        var out = ""
        let digits = String(number.magnitude)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { out += "\u{202F}" }
            out.append(digit)
        }
        return (number < 0 ? "-" : "") + out
    }
}
