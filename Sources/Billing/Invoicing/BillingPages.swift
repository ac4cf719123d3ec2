internal import Marketplace

/// Invoices, credit notes and payout statements as what their pages show.
enum BillingPages {
    static func model(of note: CreditNote) -> PageModel {
        [
            "number": .text(note.number), "invoice": .text(note.invoice),
            "invoiceIssued": .text(note.invoiceIssued.description), "reason": .text(note.reason),
            "tenant": .text(note.tenant.text), "period": .text(note.period.description),
            "issued": .text(note.issued.description), "currency": .text(note.currency.code),
            "seller": .part(party(note.seller)), "customer": .part(party(note.customer)),
            "lines": .list(
                note.lines.map {
                    [
                        "number": .text(String($0.number)), "invoiceLine": .text(String($0.invoiceLine)),
                        "description": .text($0.description), "net": .text($0.net.amount),
                    ]
                }),
            "taxes": .list(
                note.taxes.map {
                    [
                        "category": .text($0.category), "rate": .text($0.rate),
                        "taxable": .text($0.taxable.amount), "tax": .text($0.tax.amount),
                    ]
                }),
            "net": .text(note.net.amount), "tax": .text(note.tax.amount), "total": .text(note.total.amount),
            "previous": .text(note.previous?.hex ?? ""), "hasPrevious": .flag(note.previous != nil),
        ]
    }

    private static func party(_ party: Invoice.Party) -> PageModel {
        [
            "name": .text(party.name), "address": .text(party.address ?? ""), "country": .text(party.country),
            "vatId": .text(party.vatID ?? ""), "hasVatId": .flag(party.vatID != nil),
        ]
    }

    static func model(of invoice: Invoice) -> PageModel {
        [
            "number": .text(invoice.number), "tenant": .text(invoice.tenant.text),
            "period": .text(invoice.period.description),
            "issued": .text(invoice.issued.description), "due": .text(invoice.due.description),
            "currency": .text(invoice.currency.code),
            "seller": .part(party(invoice.seller)), "customer": .part(party(invoice.customer)),
            "lines": .list(invoice.lines.map(line)),
            "discounts": .list(
                invoice.discounts.map {
                    ["coupon": .text($0.coupon), "amount": .text((-$0.amount).amount)]
                }),
            "taxes": .list(
                invoice.taxes.map { tax in
                    [
                        "category": .text(tax.category), "rate": .text(tax.rate),
                        "taxable": .text(tax.taxable.amount), "tax": .text(tax.tax.amount),
                        "isReverseCharge": .flag(tax.category == "AE"),
                    ]
                }),
            "net": .text(invoice.net.amount), "tax": .text(invoice.tax.amount),
            "total": .text(invoice.total.amount),
            "reference": .text(invoice.paymentReference), "iban": .text(invoice.iban),
            "bic": .text(invoice.bic),
            "previous": .text(invoice.previous?.hex ?? ""), "hasPrevious": .flag(invoice.previous != nil),
        ]
    }

    private static func line(_ line: InvoiceLine) -> PageModel {
        let seats = line.seats.map { "\($0) seats" } ?? ""
        return [
            "number": .text(String(line.number)), "description": .text(line.description),
            "from": .text(line.from.description), "to": .text(line.to.adding(days: -1).description),
            "amount": .text(line.amount.amount), "net": .text(line.net.amount),
            "discount": .text(line.discount.isZero ? "" : (-line.discount).amount),
            "price": .text(String(line.price.hex.prefix(12))),
            "hasTiers": .flag(!line.tiers.isEmpty),
            "lateDays": .text(line.lateDays.map(\.description).joined(separator: ", ")),
            "isLate": .flag(!line.lateDays.isEmpty), "hasIncluded": .flag(line.included != 0),
            "hasDiscount": .flag(!line.discount.isZero),
            "quantity": .text(line.metric == nil ? seats : grouped(line.quantity)),
            "included": .text(line.included == 0 ? "" : grouped(line.included)),
            "unitAmount": .text(line.unitAmount?.description ?? ""),
            "tiers": .list(line.tiers.map(tier)),
        ]
    }

    private static func tier(_ tier: InvoiceTier) -> PageModel {
        [
            "upTo": .text(tier.upTo.map(grouped) ?? ""), "quantity": .text(grouped(tier.quantity)),
            "unitAmount": .text(tier.unitAmount.description),
            "flatAmount": .text(tier.flatAmount?.amount ?? ""), "amount": .text(tier.amount.amount),
            "isBounded": .flag(tier.upTo != nil), "hasFlatAmount": .flag(tier.flatAmount != nil),
        ]
    }

    static func model(of statement: PayoutStatement) -> PageModel {
        [
            "number": .text(statement.number), "publisher": .text(statement.publisher.text),
            "name": .text(statement.name), "country": .text(statement.country),
            "iban": .text(statement.iban), "bic": .text(statement.bic), "payer": .text(statement.payer),
            "payerVatId": .text(statement.payerVATID), "currency": .text(statement.currency.code),
            "after": .text(statement.after?.description ?? ""), "hasAfter": .flag(statement.after != nil),
            "day": .text(statement.day.description), "opening": .text(statement.opening.amount),
            "earned": .text(statement.earned.amount), "reversed": .text((-statement.reversed).amount),
            "held": .text((-statement.held).amount), "paid": .text((-statement.paid).amount),
            "payment": .text(statement.paid.amount), "closing": .text(statement.closing.amount),
            "waiting": .text(statement.waiting.amount),
            "rows": .list(
                statement.rows.map { row in
                    [
                        "invoice": .text(row.invoice), "period": .text(row.period.description),
                        "nets": .text(row.nets.amount), "share": .text(row.share.amount),
                    ]
                }),
        ]
    }

    /// Digits in groups of three, with a narrow no-break space: display only.
    static func grouped(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        if digits.utf8.count <= 3 { return number < 0 ? "-" + digits : digits }
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { out += "\u{202F}" }
            out.append(digit)
        }
        return (number < 0 ? "-" : "") + out
    }
}
