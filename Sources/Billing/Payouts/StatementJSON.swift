internal import Marketplace

/// A payout statement as JSON, member by member, as an invoice is: a large publisher's has a row for each customer.
extension PayoutStatement {
    func document() -> [UInt8] {
        var json = OrderedJSONWriter(isIndented: true)
        json.object { write(to: &$0) }
        return json.bytes + [0x0A]
    }

    init(json bytes: [UInt8], subject: String) throws(BillingError) {
        self = try OrderedJSONReader.read(bytes, subject: subject) { json throws(BillingError) in
            try json.object { json throws(BillingError) in try PayoutStatement(from: &json) }
        }
    }

    private func write(to json: inout OrderedJSONWriter) {
        json.member("after", after?.description)
        json.member("bic", bic)
        json.member("closing", closing)
        json.member("country", country)
        json.member("currency", currency.code)
        json.member("day", day.description)
        json.member("earned", earned)
        json.member("held", held)
        json.member("iban", iban)
        json.member("name", name)
        json.member("number", number)
        json.member("opening", opening)
        json.member("paid", paid)
        json.member("payer", payer)
        json.member("payerVATID", payerVATID)
        json.member("publisher", publisher.text)
        json.member("reversed", reversed)
        json.member("rows", rows) { json, row in
            json.object {
                $0.member("invoice", row.invoice)
                $0.member("nets", row.nets)
                $0.member("period", row.period.description)
                $0.member("share", row.share)
            }
        }
        json.member("schema", Int64(schema))
        json.member("waiting", waiting)
        json.member("writtenOff", writtenOff)
        json.member("writtenOffInAll", writtenOffInAll)
    }

    private init(from json: inout OrderedJSONReader) throws(BillingError) {
        after = json.has("after") ? try json.value { Day($0) } : nil
        bic = try json.text("bic")
        closing = try json.money("closing")
        country = try json.text("country")
        currency = try json.value("currency") { Currency($0) }
        day = try json.value("day") { Day($0) }
        earned = try json.money("earned")
        held = try json.money("held")
        iban = try json.text("iban")
        name = try json.text("name")
        number = try json.text("number")
        opening = try json.money("opening")
        paid = try json.money("paid")
        payer = try json.text("payer")
        payerVATID = try json.text("payerVATID")
        publisher = try json.value("publisher") { PublisherID($0) }
        reversed = try json.money("reversed")
        rows = try json.array("rows") { json throws(BillingError) in
            try json.object { json throws(BillingError) in
                let (invoice, nets) = (try json.text("invoice"), try json.money("nets"))
                let period = try json.value("period") { BillingPeriod($0) }
                return Row(invoice: invoice, period: period, nets: nets, share: try json.money("share"))
            }
        }
        schema = Int(try json.integer("schema"))
        waiting = try json.money("waiting")
        writtenOff = try json.money("writtenOff")
        writtenOffInAll = try json.money("writtenOffInAll")
    }
}
