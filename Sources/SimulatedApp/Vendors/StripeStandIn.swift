import Marketplace
import Synchronization

/// A strict, stateful stand-in of the part of Stripe that the launch plugin calls: customers, subscriptions, payment
/// links, invoices and refunds. It keeps idempotency keys as Stripe does: the same key with the same form gives the
/// first answer, with another form an error. `pi_sample_1` is a payment of 129.50 USD that can be refunded.
public final class StripeStandIn: VendorStandIn {
    struct Kept {
        let form: [String: String]
        let answer: VendorAnswer
    }

    struct State {
        var customers: Set<String> = []
        var subscriptions: [String: [String: JSONValue]] = [:]
        var invoices: [String: [String: JSONValue]] = [:]
        var refunded = 0
        var count = 0
        var keys: [String: Kept] = [:]
        var violations: [String] = []

        mutating func next(_ prefix: String) -> String {
            count += 1
            return "\(prefix)_sample\(count)"
        }
    }

    public let name = "stripe"
    public let hosts = ["api.stripe.com"]
    private static let paid = 12_950
    private let state = Mutex(State())

    public init() {}

    public var violations: [String] { state.withLock { $0.violations } }
    /// The ids of the customers so far.
    public var customers: [String] { state.withLock { $0.customers.sorted() } }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        state.withLock { state in
            guard let header = request.headers["authorization"], header.hasPrefix("Bearer "), header.count > 7
            else {
                state.violations.append("\(request.path): no key")
                return Self.refusal(401, "invalid_request_error", nil, "You did not provide an API key.")
            }
            guard let steps = Self.steps(request), request.query.isEmpty else {
                return Self.unknown(request, &state)
            }
            guard request.method == "POST" else {
                return Self.perform(request.method, steps, [:], &state) ?? Self.unknown(request, &state)
            }
            let form = Dictionary(
                FormEncoding.items(request.body).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            guard let key = request.headers["idempotency-key"], !key.isEmpty else {
                state.violations.append("POST \(request.path): no idempotency key")
                return Self.refusal(400, "invalid_request_error", nil, "An idempotency key is expected here.")
            }
            if let kept = state.keys[key] {
                return kept.form == form
                    ? kept.answer
                    : Self.refusal(
                        400, "idempotency_error", nil,
                        "Keys for idempotent requests can only be used with the same parameters.")
            }
            let known = Self.fields[Self.shape(steps)] ?? []
            let strange = form.keys.filter { !known.contains(String($0.prefix { $0 != "[" })) }.sorted()
            guard strange.isEmpty else {
                state.violations.append("POST \(request.path): unknown parameters \(strange)")
                return Self.refusal(
                    400, "invalid_request_error", "parameter_unknown",
                    "Received unknown parameter: \(strange[0])")
            }
            guard let answer = Self.perform("POST", steps, form, &state) else {
                return Self.unknown(request, &state)
            }
            state.keys[key] = Kept(form: form, answer: answer)
            return answer
        }
    }

    private static func steps(_ request: VendorRequest) -> [String]? {
        let steps = request.steps
        return steps.count > 1 && steps[0] == "v1" ? Array(steps.dropFirst()) : nil
    }

    /// `invoices/*/finalize` for `invoices/in_1/finalize`.
    private static func shape(_ steps: [String]) -> String {
        steps.enumerated().map { $0.offset == 1 ? "*" : $0.element }.joined(separator: "/")
    }

    /// The parameters that each POST takes, by their first name.
    private static let fields: [String: Set<String>] = [
        "customers": ["name", "email", "phone", "metadata"],
        "subscriptions": ["customer", "items", "trial_period_days", "metadata"],
        "subscriptions/*": ["items", "proration_behavior", "cancel_at_period_end"],
        "payment_links": ["line_items", "metadata"],
        "invoices": [
            "customer", "collection_method", "days_until_due", "currency", "pending_invoice_items_behavior",
            "auto_advance", "metadata",
        ],
        "invoiceitems": ["customer", "invoice", "amount", "currency", "description"],
        "invoices/*/finalize": [],
        "refunds": ["payment_intent", "charge", "amount", "reason"],
    ]

    private static func perform(
        _ method: String, _ steps: [String], _ form: [String: String], _ state: inout State
    ) -> VendorAnswer? {
        switch (method, shape(steps)) {
        case ("POST", "customers"):
            let id = state.next("cus")
            state.customers.insert(id)
            return VendorAnswer(json: ["id": .string(id), "object": "customer"])
        case ("POST", "subscriptions"): return subscribe(form, &state)
        case ("GET", "subscriptions/*"):
            return state.subscriptions[steps[1]].map { VendorAnswer(json: .object($0)) } ?? missing(steps[1])
        case ("POST", "subscriptions/*"): return change(steps[1], form, &state)
        case ("DELETE", "subscriptions/*"):
            guard state.subscriptions[steps[1]] != nil else { return missing(steps[1]) }
            state.subscriptions[steps[1]]?["status"] = "canceled"
            return VendorAnswer(json: .object(state.subscriptions[steps[1]]!))
        case ("POST", "payment_links"):
            let id = state.next("plink")
            return VendorAnswer(json: [
                "id": .string(id), "object": "payment_link", "url": .string("https://buy.stripe.com/\(id)"),
            ])
        case ("POST", "invoices"): return draft(form, &state)
        case ("POST", "invoiceitems"):
            guard let invoice = form["invoice"], state.invoices[invoice]?["status"] == "draft" else {
                return missing(form["invoice"] ?? "")
            }
            let amount = Int64(form["amount"] ?? "") ?? 0
            let before = state.invoices[invoice]?["amount_due"]?.integerValue ?? 0
            state.invoices[invoice]?["amount_due"] = .integer(before + amount)
            return VendorAnswer(json: ["id": .string(state.next("ii")), "object": "invoiceitem"])
        case ("POST", "invoices/*/finalize"):
            guard state.invoices[steps[1]]?["status"] == "draft" else { return missing(steps[1]) }
            state.invoices[steps[1]]?["status"] = "open"
            state.invoices[steps[1]]?["hosted_invoice_url"] = .string(
                "https://invoice.stripe.com/i/\(steps[1])")
            return VendorAnswer(json: .object(state.invoices[steps[1]]!))
        case ("POST", "refunds"): return refund(form, &state)
        default: return nil
        }
    }

    private static func subscribe(_ form: [String: String], _ state: inout State) -> VendorAnswer {
        guard let customer = form["customer"], state.customers.contains(customer) else {
            return missing(form["customer"] ?? "")
        }
        guard let price = form["items[0][price]"] ?? form["items[0][plan]"] else {
            return refusal(
                400, "invalid_request_error", "parameter_missing", "Missing required param: items.")
        }
        let id = state.next("sub")
        let item: JSONValue = [
            "id": .string(state.next("si")), "price": ["id": .string(price)],
            "quantity": .integer(Int64(form["items[0][quantity]"] ?? "1") ?? 1),
        ]
        state.subscriptions[id] = [
            "id": .string(id), "object": "subscription", "cancel_at_period_end": false,
            "status": form["trial_period_days"] == nil ? "active" : "trialing", "customer": .string(customer),
            "items": ["object": "list", "data": [item]],
        ]
        return VendorAnswer(json: .object(state.subscriptions[id]!))
    }

    private static func change(_ id: String, _ form: [String: String], _ state: inout State) -> VendorAnswer {
        guard let subscription = state.subscriptions[id], subscription["status"] != "canceled" else {
            return missing(id)
        }
        if form["cancel_at_period_end"] == "true" { state.subscriptions[id]?["cancel_at_period_end"] = true }
        if let price = form["items[0][price]"] ?? form["items[0][plan]"] {
            let old = subscription["items"]?["data"]?.arrayValue?.first
            guard old?["id"]?.stringValue == form["items[0][id]"] else {
                return missing(form["items[0][id]"] ?? "")
            }
            let item: JSONValue = [
                "id": old?["id"] ?? .null, "price": ["id": .string(price)],
                "quantity": .integer(Int64(form["items[0][quantity]"] ?? "1") ?? 1),
            ]
            state.subscriptions[id]?["items"] = ["object": "list", "data": [item]]
        }
        return VendorAnswer(json: .object(state.subscriptions[id]!))
    }

    private static func draft(_ form: [String: String], _ state: inout State) -> VendorAnswer {
        guard let customer = form["customer"], state.customers.contains(customer) else {
            return missing(form["customer"] ?? "")
        }
        let id = state.next("in")
        state.invoices[id] = [
            "id": .string(id), "object": "invoice", "status": "draft", "amount_due": 0,
            "currency": .string(form["currency"] ?? "usd"),
        ]
        return VendorAnswer(json: .object(state.invoices[id]!))
    }

    private static func refund(_ form: [String: String], _ state: inout State) -> VendorAnswer {
        guard form["payment_intent"] == "pi_sample_1" || form["charge"] == "ch_sample_1" else {
            return missing(form["payment_intent"] ?? form["charge"] ?? "")
        }
        let rest = paid - state.refunded
        guard rest > 0 else {
            return refusal(
                400, "invalid_request_error", "charge_already_refunded",
                "The charge has already been refunded.")
        }
        let amount = form["amount"].flatMap { Int($0) } ?? rest
        guard (1...rest).contains(amount) else {
            return refusal(
                400, "invalid_request_error", "amount_too_large",
                "The refund is greater than what is left of the charge.")
        }
        state.refunded += amount
        return VendorAnswer(json: [
            "id": .string(state.next("re")), "object": "refund", "status": "succeeded",
            "amount": .integer(Int64(amount)), "currency": "usd",
        ])
    }

    private static func unknown(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        state.violations.append("unknown \(request.method) \(request.path)")
        return refusal(
            404, "invalid_request_error", nil,
            "Unrecognized request URL (\(request.method): \(request.path)).")
    }

    private static func missing(_ id: String) -> VendorAnswer {
        refusal(404, "invalid_request_error", "resource_missing", "No such object: '\(id)'")
    }

    private static func refusal(_ status: Int, _ type: String, _ code: String?, _ message: String)
        -> VendorAnswer
    {
        var error: [String: JSONValue] = ["type": .string(type), "message": .string(message)]
        error["code"] = code.map(JSONValue.string)
        return VendorAnswer(status: status, json: ["error": .object(error)])
    }
}
