public import Billing
public import Marketplace

/// `keys/stripe.json`: what opens the operator's account, and what proves that a message comes from there.
public struct StripeKeys: Sendable {
    let secretKey: String
    let url: String
    let webhookSecret: String?

    public init(_ data: DataDirectory) throws(PipelineError) {
        let path = "\(data.keys)/stripe.json"
        let bytes = try Files.read(path)
        guard let document = try? JSONValue.parse(bytes), let secretKey = document["secretKey"]?.stringValue
        else {
            throw PipelineError(
                .usage, "\(path) is not what it must be",
                remedy: "Write {\"secretKey\": \"…\", \"webhookSecret\": \"…\"} into it.")
        }
        self.secretKey = secretKey
        url = document["url"]?.stringValue ?? "https://api.stripe.com"
        webhookSecret = document["webhookSecret"]?.stringValue
    }

    /// A message of Stripe's, believed only with its signature.
    public func event(body: [UInt8], signature: String, now: Instant) throws(PipelineError) -> StripeWebhook {
        guard let webhookSecret else {
            throw PipelineError(
                .usage, "keys/stripe.json has no webhookSecret",
                remedy: "Copy it from the vendor's dashboard.")
        }
        return try BillingRoom.translating { () throws(BillingError) in
            try StripeWebhook(body: body, signature: signature, secret: webhookSecret, now: now)
        }
    }
}
