internal import Marketplace

/// `bill rate FILE`: worked cases through the night's own rater, so that it can be compared with others' figures.
public enum BillingCases {
    public static let casesMax = 100_000

    /// Takes a JSON array of `{id, model, config, units, currency, unit?}` and gives one of
    /// `{id, amount, parts?}` or `{id, unsupported}`, in the same order.
    public static func rate(_ bytes: [UInt8]) throws(BillingError) -> [UInt8] {
        let document: JSONValue
        do {
            document = try JSONValue.parse(bytes)
        } catch {
            throw BillingError(.input, "cases", "\(error)")
        }
        guard case .array(let cases) = document else {
            throw BillingError(.input, "cases", "is no JSON array")
        }
        guard cases.count <= casesMax else { throw BillingError(.limit, "cases", "more than \(casesMax)") }
        var answers: [JSONValue] = []
        for (index, item) in cases.enumerated() {
            guard let id = item["id"]?.stringValue else {
                throw BillingError(.input, "case \(index)", "has no `id`")
            }
            answers.append(answer(item, id))
        }
        return JSONValue.array(answers).serializedBytes(pretty: true) + [0x0A]
    }

    private static func answer(_ item: JSONValue, _ id: String) -> JSONValue {
        do {
            let outcome = try BillingCase(item).rate()
            var members: [String: JSONValue] = ["id": .string(id), "amount": .string(outcome.amount)]
            if let parts = outcome.parts { members["parts"] = parts }
            return .object(members)
        } catch {
            return ["id": .string(id), "unsupported": .string(error.cause)]
        }
    }
}

/// One case, with its fields read.
struct BillingCase {
    struct Outcome {
        var amount: String
        var parts: JSONValue?
    }

    let model: String
    let config: JSONValue
    /// As given: a decimal.
    let units: String
    /// nil for codes that are no money.
    let currency: Currency?
    let isMinor: Bool

    init(_ item: JSONValue) throws(BillingError) {
        guard let model = item["model"]?.stringValue else {
            throw BillingError(.input, "case", "has no `model`")
        }
        self.model = model
        config = item["config"] ?? .object([:])
        units = BillingCase.decimalText(item["units"]) ?? "0"
        currency = item["currency"]?.stringValue.flatMap { Currency($0) }
        isMinor = item["unit"]?.stringValue == "minor"
    }

    func rate() throws(BillingError) -> Outcome {
        switch model {
        case "per_unit", "per_unit_incremental", "graduated", "graduated_incremental", "volume",
            "volume_prorated",
            "package", "package_incremental", "package_count":
            return try rateUnits()
        case "graduated_prorated": return try rateGraduatedProrated()
        case "percentage", "percentage_min_max", "graduated_percentage", "graduated_percentage_incremental":
            return try ratePercentage()
        case "proration_days", "proration_with_tax", "proration_change", "proration_credit_note_with_tax",
            "minimum_true_up_prorated":
            return try rateProration()
        case "allocation", "coupon_allocation": return try rateAllocation()
        case "vat_category", "line_then_tax", "sum_of_rounded_lines", "invoice_sum", "invoice_total",
            "invoice_total_categories", "invoice_total_multi_tax", "invoice_payable":
            return try rateInvoice()
        default: throw BillingError(.input, "case", "the price book has no model `\(model)`")
        }
    }

    // MARK: Reading fields

    static func decimalText(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        default: nil
        }
    }

    func text(_ key: String) -> String? { BillingCase.decimalText(config[key]) }

    /// A decimal of at most six decimals as a whole number of 10⁻⁶.
    static func micro(_ text: String?, _ name: String) throws(BillingError) -> Int128 {
        guard let text, let decimal = DecimalText(text),
            let value = decimal.scaled(by: Exact.quantityDecimals),
            value.magnitude <= 1_000_000_000_000_000_000_000_000_000_000
        else {
            throw BillingError(
                .input, "case", "`\(name)` is no decimal of at most \(Exact.quantityDecimals) decimals")
        }
        return value
    }

    func micro(_ key: String) throws(BillingError) -> Int128 { try BillingCase.micro(text(key), key) }
    func quantity() throws(BillingError) -> Int128 { try BillingCase.micro(units, "units") }

    /// An amount of the major unit, exact to 12 decimals.
    static func exact(_ text: String?, _ name: String) throws(BillingError) -> ExactAmount {
        guard let text, let price = UnitPrice(text) else {
            throw BillingError(.input, "case", "`\(name)` is no amount of at most 12 decimals")
        }
        return ExactAmount(atto: try Exact.product(price.pico, Exact.unit))
    }

    func exact(_ key: String) throws(BillingError) -> ExactAmount { try BillingCase.exact(text(key), key) }
    func optionalExact(_ key: String) throws(BillingError) -> ExactAmount? {
        text(key) == nil ? nil : try exact(key)
    }

    static func price(_ text: String?, _ name: String) throws(BillingError) -> UnitPrice {
        guard let text, let price = UnitPrice(text) else {
            throw BillingError(.input, "case", "`\(name)` is no price of at most 12 decimals")
        }
        return price
    }

    static func ratio(_ text: String?, _ name: String) throws(BillingError) -> Int128 {
        guard let text, let ratio = Exact.ratio(percent: text) else {
            throw BillingError(.input, "case", "`\(name)` is no percentage of at most 10 decimals")
        }
        return ratio
    }

    func list(_ key: String) throws(BillingError) -> [JSONValue] {
        guard let items = config[key]?.arrayValue else {
            throw BillingError(.input, "case", "`\(key)` is no list")
        }
        return items
    }

    func requireCurrency() throws(BillingError) -> Currency {
        guard let currency else { throw BillingError(.input, "case", "the currency is none of ISO 4217") }
        return currency
    }

    /// Exact where the amount ends within 18 decimals and no rounding is asked for; else the line's one rounding.
    func present(_ amount: ExactAmount) throws(BillingError) -> String {
        if config["rounding"] == nil, let text = amount.decimalText { return text }
        return try amount.rounded(try requireCurrency()).amount
    }
}
