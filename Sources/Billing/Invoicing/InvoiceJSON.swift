internal import Marketplace

/// An invoice as JSON, member by member. A year's invoices have millions of lines: a night reads and writes each some
/// times, so it does that without the detour over a general encoder. The bytes are those that one would give.
extension Invoice {
    /// As issued: indented, with a line feed at the end.
    func document() -> [UInt8] {
        json(isIndented: true) + [0x0A]
    }

    /// On one line, without a line feed: a draft among others.
    func line() -> [UInt8] {
        json(isIndented: false)
    }

    private func json(isIndented: Bool) -> [UInt8] {
        var json = OrderedJSONWriter(isIndented: isIndented)
        json.object { write(to: &$0) }
        return json.bytes
    }

    init(json bytes: [UInt8], subject: String) throws(BillingError) {
        self = try OrderedJSONReader.read(bytes, subject: subject) { json throws(BillingError) in
            try json.object { json throws(BillingError) in try Invoice(from: &json) }
        }
    }

    private func write(to json: inout OrderedJSONWriter) {
        json.member("bic", bic)
        json.member("currency", currency.code)
        json.name("customer")
        customer.write(to: &json)
        json.member("discounts", discounts) { json, discount in
            json.object {
                $0.member("amount", discount.amount)
                $0.member("coupon", discount.coupon)
            }
        }
        json.member("due", due.description)
        json.member("iban", iban)
        json.member("issued", issued.description)
        json.member("lines", lines) { json, line in json.object { line.write(to: &$0) } }
        json.member("net", net)
        json.member("number", number)
        json.member("paymentReference", paymentReference)
        json.member("period", period.description)
        json.member("previous", previous?.hex)
        json.member("schema", Int64(schema))
        json.name("seller")
        seller.write(to: &json)
        json.member("shares", shares) { json, share in
            json.object {
                $0.member("developer", share.developer)
                $0.member("nets", share.nets)
                $0.member("platform", share.platform)
                $0.member("publisher", share.publisher.text)
            }
        }
        json.member("tax", tax)
        json.member("taxes", taxes) { json, tax in
            json.object {
                $0.member("category", tax.category)
                $0.member("rate", tax.rate)
                $0.member("tax", tax.tax)
                $0.member("taxable", tax.taxable)
            }
        }
        json.member("tenant", tenant.text)
        json.member("total", total)
    }

    private init(from json: inout OrderedJSONReader) throws(BillingError) {
        bic = try json.text("bic")
        currency = try json.value("currency") { Currency($0) }
        try json.name("customer")
        customer = try Party(from: &json)
        discounts = try json.array("discounts") { json throws(BillingError) in
            try json.object { json throws(BillingError) in
                let amount = try json.money("amount")
                return InvoiceDiscount(coupon: try json.text("coupon"), amount: amount)
            }
        }
        due = try json.value("due") { Day($0) }
        iban = try json.text("iban")
        issued = try json.value("issued") { Day($0) }
        lines = try json.array("lines") { json throws(BillingError) in
            try json.object { json throws(BillingError) in try InvoiceLine(from: &json) }
        }
        net = try json.money("net")
        number = try json.text("number")
        paymentReference = try json.text("paymentReference")
        period = try json.value("period") { BillingPeriod($0) }
        previous = json.has("previous") ? try json.digest() : nil
        schema = Int(try json.integer("schema"))
        try json.name("seller")
        seller = try Party(from: &json)
        shares = try json.array("shares") { json throws(BillingError) in
            try json.object { json throws(BillingError) in
                let (developer, nets) = (try json.money("developer"), try json.money("nets"))
                let platform = try json.money("platform")
                let publisher = try json.value("publisher") { PublisherID($0) }
                return InvoiceShare(
                    publisher: publisher, nets: nets, developer: developer, platform: platform)
            }
        }
        tax = try json.money("tax")
        taxes = try json.array("taxes") { json throws(BillingError) in
            try json.object { json throws(BillingError) in
                let (category, rate) = (try json.text("category"), try json.text("rate"))
                let tax = try json.money("tax")
                return InvoiceTax(
                    category: category, rate: rate, taxable: try json.money("taxable"), tax: tax)
            }
        }
        tenant = try json.value("tenant") { TenantID($0) }
        total = try json.money("total")
    }
}

extension Invoice.Party {
    fileprivate func write(to json: inout OrderedJSONWriter) {
        json.object {
            $0.member("address", address)
            $0.member("country", country)
            $0.member("name", name)
            $0.member("vatID", vatID)
        }
    }

    fileprivate init(from json: inout OrderedJSONReader) throws(BillingError) {
        self = try json.object { json throws(BillingError) in
            let address = json.has("address") ? try json.text() : nil
            let (country, name) = (try json.text("country"), try json.text("name"))
            let vatID = json.has("vatID") ? try json.text() : nil
            return Invoice.Party(name: name, address: address, country: country, vatID: vatID)
        }
    }
}

extension InvoiceLine {
    fileprivate func write(to json: inout OrderedJSONWriter) {
        json.member("amount", amount)
        json.member("charged", charged)
        json.member("days", days.map(Int64.init))
        json.member("description", description)
        json.member("discount", discount)
        json.member("from", from.description)
        json.member("included", included)
        json.member("kind", kind.rawValue)
        json.member("lateDays", lateDays) { $0.text($1.description) }
        json.member("metric", metric)
        json.member("net", net)
        json.member("number", Int64(number))
        json.member("packageSize", packageSize)
        json.member("percent", percent)
        json.member("periodDays", periodDays.map(Int64.init))
        json.member("plan", plan)
        json.member("plugin", plugin.text)
        json.member("price", price.hex)
        json.member("quantity", quantity)
        json.member("scheme", scheme)
        json.member("seats", seats)
        json.member("shareBasisPoints", shareBasisPoints)
        json.member("taxCategory", taxCategory)
        json.member("taxRate", taxRate)
        json.member("tiers", tiers) { json, tier in json.object { tier.write(to: &$0) } }
        json.member("to", to.description)
        json.member("unitAmount", unitAmount?.description)
        json.member("version", version)
    }

    fileprivate init(from json: inout OrderedJSONReader) throws(BillingError) {
        amount = try json.money("amount")
        charged = try json.integer("charged")
        days = json.has("days") ? Int(try json.integer()) : nil
        description = try json.text("description")
        discount = try json.money("discount")
        from = try json.value("from") { Day($0) }
        included = try json.integer("included")
        kind = try json.value("kind") { Kind(rawValue: $0) }
        lateDays = try json.array("lateDays") { json throws(BillingError) in try json.value { Day($0) } }
        metric = json.has("metric") ? try json.text() : nil
        net = try json.money("net")
        number = Int(try json.integer("number"))
        packageSize = json.has("packageSize") ? try json.integer() : nil
        percent = json.has("percent") ? try json.text() : nil
        periodDays = json.has("periodDays") ? Int(try json.integer()) : nil
        plan = try json.text("plan")
        plugin = try json.value("plugin") { PluginID($0) }
        try json.name("price")
        price = try json.digest()
        quantity = try json.integer("quantity")
        scheme = json.has("scheme") ? try json.text() : nil
        seats = json.has("seats") ? try json.integer() : nil
        shareBasisPoints = try json.integer("shareBasisPoints")
        taxCategory = try json.text("taxCategory")
        taxRate = try json.text("taxRate")
        tiers = try json.array("tiers") { json throws(BillingError) in
            try json.object { json throws(BillingError) in try InvoiceTier(from: &json) }
        }
        to = try json.value("to") { Day($0) }
        unitAmount = json.has("unitAmount") ? try json.value { UnitPrice($0) } : nil
        version = try json.text("version")
    }
}

extension InvoiceTier {
    fileprivate func write(to json: inout OrderedJSONWriter) {
        json.member("amount", amount)
        json.member("flatAmount", flatAmount)
        json.member("quantity", quantity)
        json.member("unitAmount", unitAmount.description)
        json.member("upTo", upTo)
    }

    fileprivate init(from json: inout OrderedJSONReader) throws(BillingError) {
        amount = try json.money("amount")
        flatAmount = json.has("flatAmount") ? try json.money() : nil
        quantity = try json.integer("quantity")
        unitAmount = try json.value("unitAmount") { UnitPrice($0) }
        upTo = json.has("upTo") ? try json.integer() : nil
    }
}
