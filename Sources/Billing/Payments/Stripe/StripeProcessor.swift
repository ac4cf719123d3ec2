internal import Marketplace

/// Cards through Stripe's API: a customer for each tenant, a payment intent for each invoice, refunds of intents.
/// Every object carries our own key in its metadata. That is how an answer that was lost is found again, also after
/// the vendor's window for idempotency keys has ended.
public struct StripeProcessor: PaymentProcessor {
    public static let pageLimit = 100
    /// So many pages are read at most: a list that never ends is an error, not a loop.
    static let pagesMax = 1_000
    private static let keyField = "veroforge_key"
    private static let tenantField = "veroforge_tenant"

    public let name = "stripe"
    private let secretKey: String
    private let base: String
    private let sender: any HTTPSending

    public init(secretKey: String, base: String = "https://api.stripe.com", sender: any HTTPSending) {
        self.secretKey = secretKey
        self.base = base
        self.sender = sender
    }

    public func refusal(of intent: PaymentIntent) -> String? {
        switch StripeAmounts.amount(intent.money) {
        case .success: nil
        case .failure(let refusal): refusal.why
        }
    }

    // MARK: Payments

    public func request(_ intent: PaymentIntent) throws(BillingError) -> PaymentState {
        guard case .success(let amount) = StripeAmounts.amount(intent.money) else { return .failed }
        guard let customer = try customer(intent.tenant) else { return .unknown }
        guard case .list(let methods) = try list("payment_methods?customer=\(customer)&type=card") else {
            return .unknown
        }
        // Without a card there is nothing to charge yet: asked again by a later night.
        guard let method = methods.first?["id"]?.stringValue else { return .pending }
        let created = try post(
            "payment_intents",
            [
                ("amount", String(amount)), ("currency", intent.money.currency.code.lowercased()),
                ("customer", customer), ("payment_method", method),
                ("metadata[\(Self.keyField)]", intent.key),
                ("metadata[\(Self.tenantField)]", intent.tenant.text),
            ], key: intent.key)
        guard let id = created.value?["id"]?.stringValue else {
            return created.isRefused ? .failed : .unknown
        }
        return try confirm(id, key: intent.key)
    }

    private func confirm(_ id: String, key: String) throws(BillingError) -> PaymentState {
        let confirmed = try post("payment_intents/\(id)/confirm", [], key: key + ":confirm")
        if let value = confirmed.value { return Self.standing(value) }
        // A declined card is an answer; a broken line is not.
        return confirmed.isRefused ? .failed : .unknown
    }

    public func lookUp(_ intent: PaymentIntent) throws(BillingError) -> PaymentState? {
        guard case .list(let intents) = try list("payment_intents") else { return .unknown }
        let own = intents.filter { Self.key(of: $0) == intent.key }
        if own.isEmpty { return nil }
        let states = own.map { Self.standing($0) }
        for state in [PaymentState.succeeded, .unknown] where states.contains(state) { return state }
        // Created, but the process ended before it was confirmed: the same intent is confirmed, none is added.
        if let waiting = own.first(where: { $0["status"]?.stringValue == "requires_confirmation" }),
            let id = waiting["id"]?.stringValue
        {
            return try confirm(id, key: intent.key)
        }
        return states.contains(.pending) ? .pending : .failed
    }

    private static func standing(_ intent: JSONValue) -> PaymentState {
        switch intent["status"]?.stringValue {
        case "succeeded": .succeeded
        case "processing", "requires_action", "requires_capture", "requires_confirmation": .pending
        case "requires_payment_method", "canceled": .failed
        default: .unknown
        }
    }

    public func receipts() throws(BillingError) -> [PaymentReceipt] {
        guard case .list(let intents) = try list("payment_intents") else { return [] }
        var receipts: [PaymentReceipt] = []
        for intent in intents where Self.standing(intent) == .succeeded {
            guard let key = Self.key(of: intent), let id = intent["id"]?.stringValue,
                case .integer(let amount)? = intent["amount"],
                case .integer(let created)? = intent["created"],
                let currency = intent["currency"]?.stringValue.flatMap({ Currency($0.uppercased()) }),
                let money = StripeAmounts.money(amount, currency)
            else { continue }
            let day = Instant(milliseconds: created * 1_000).day
            receipts.append(PaymentReceipt(id: id, day: day, money: money, reference: key))
        }
        return receipts.sorted { ($0.day, $0.id) < ($1.day, $1.id) }
    }

    // MARK: Refunds

    public func refund(_ order: RefundOrder) throws(BillingError) -> PaymentState {
        guard case .success(let amount) = StripeAmounts.amount(order.money) else { return .failed }
        guard case .list(let intents) = try list("payment_intents") else { return .unknown }
        let paid = intents.first { intent in
            guard let key = Self.key(of: intent), Self.standing(intent) == .succeeded else { return false }
            // A later attempt bears the first one's key and a word.
            return key == order.intent || key.hasPrefix(order.intent + "-")
        }
        guard let id = paid?["id"]?.stringValue else { return .failed }
        let answer = try post(
            "refunds",
            [
                ("payment_intent", id), ("amount", String(amount)),
                ("metadata[\(Self.keyField)]", order.key),
            ], key: order.key)
        guard let refund = answer.value else { return answer.isRefused ? .failed : .unknown }
        return Self.state(ofRefund: refund)
    }

    public func lookUp(_ order: RefundOrder) throws(BillingError) -> PaymentState? {
        guard case .list(let refunds) = try list("refunds") else { return .unknown }
        return refunds.first { Self.key(of: $0) == order.key }.map(Self.state(ofRefund:))
    }

    private static func state(ofRefund refund: JSONValue) -> PaymentState {
        switch refund["status"]?.stringValue {
        case "succeeded": .succeeded
        case "pending", "requires_action": .pending
        case "failed", "canceled": .failed
        default: .unknown
        }
    }

    // MARK: Customers

    /// The customer of a tenant, made where there is none; nil where no answer came.
    func customer(_ tenant: TenantID) throws(BillingError) -> String? {
        guard case .list(let customers) = try list("customers") else { return nil }
        if let own = customers.first(where: { Self.text(Self.tenantField, of: $0) == tenant.text }) {
            return own["id"]?.stringValue
        }
        let made = try post(
            "customers", [("description", tenant.text), ("metadata[\(Self.tenantField)]", tenant.text)],
            key: "customer-\(tenant.text)")
        return made.value?["id"]?.stringValue
    }

    private static func key(of value: JSONValue) -> String? { text(keyField, of: value) }
    private static func text(_ field: String, of value: JSONValue) -> String? {
        value["metadata"]?[field]?.stringValue
    }

    // MARK: Exchanges

    private struct Answer {
        var value: JSONValue?
        /// An answer that says no, as opposed to none.
        var isRefused: Bool
    }

    private enum Listing {
        case list([JSONValue])
        case unanswered
    }

    private var authorization: [String: String] { ["Authorization": "Bearer \(secretKey)"] }

    private func post(_ path: String, _ form: [(String, String)], key: String) throws(BillingError) -> Answer
    {
        var headers = authorization
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Idempotency-Key"] = key
        let body = form.map { "\(Self.escape($0.0))=\(Self.escape($0.1))" }.joined(separator: "&")
        let exchange = HTTPExchange(
            method: "POST", url: "\(base)/v1/\(path)", headers: headers, body: Array(body.utf8))
        guard let answer = sender.send(exchange) else { return Answer(value: nil, isRefused: false) }
        try Self.checkAllowed(answer.status)
        guard (200..<300).contains(answer.status), let value = try? JSONValue.parse(answer.body) else {
            // 409 and 429 and everything from 500 on leave open what happened.
            let isRefused =
                (400..<500).contains(answer.status) && answer.status != 409 && answer.status != 429
            return Answer(value: nil, isRefused: isRefused)
        }
        return Answer(value: value, isRefused: false)
    }

    private func list(_ path: String) throws(BillingError) -> Listing {
        var items: [JSONValue] = []
        let joint = path.contains("?") ? "&" : "?"
        var after = ""
        for _ in 0..<Self.pagesMax {
            let url = "\(base)/v1/\(path)\(joint)limit=\(Self.pageLimit)\(after)"
            let exchange = HTTPExchange(method: "GET", url: url, headers: authorization)
            guard let answer = sender.send(exchange) else { return .unanswered }
            try Self.checkAllowed(answer.status)
            guard answer.status == 200, let page = try? JSONValue.parse(answer.body),
                let data = page["data"]?.arrayValue
            else { return .unanswered }
            items += data
            guard page["has_more"]?.boolValue == true, let last = data.last?["id"]?.stringValue else {
                return .list(items)
            }
            after = "&starting_after=\(last)"
        }
        throw BillingError(.limit, path, "more than \(Self.pagesMax) pages")
    }

    private static func checkAllowed(_ status: Int) throws(BillingError) {
        guard status != 401 && status != 403 else {
            throw BillingError(.configuration, "stripe", "the key in keys/stripe.json is refused (\(status))")
        }
    }

    static func escape(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
            }
        }
        return out
    }
}
