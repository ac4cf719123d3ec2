public import Marketplace
internal import Provenance

/// A message that Stripe sends by itself, believed only with its signature: `t=<seconds>,v1=<HMAC-SHA256 of
/// "t.body">`, not older than the tolerance. It hurries nothing but the next look: what counts is what the API says.
public struct StripeWebhook: Sendable, Hashable {
    public let id: String
    public let type: String
    /// Our own key of the object that it is about, where it has one.
    public let key: String?

    public static let toleranceSeconds: Int64 = 300

    public init(
        body: [UInt8], signature: String, secret: String, now: Instant,
        tolerance: Int64 = StripeWebhook.toleranceSeconds
    ) throws(BillingError) {
        func refuse(_ why: String) -> BillingError { BillingError(.input, "webhook", why) }
        var time: Int64?
        var signatures: [[UInt8]] = []
        for part in signature.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            if pair[0] == "t" { time = Int64(pair[1]) }
            if pair[0] == "v1" { signatures.append(Array(pair[1].utf8)) }
        }
        guard let time, !signatures.isEmpty else { throw refuse("its signature header cannot be read") }
        let seconds = now.milliseconds / 1_000
        guard (time - seconds).magnitude <= UInt64(tolerance) else {
            throw refuse("its signature is of another time")
        }
        let signed = Array("\(time).".utf8) + body
        let expected = Array(hmacSHA256(key: Array(secret.utf8), signed).map(Self.hex).joined().utf8)
        guard signatures.contains(where: { Self.isSame($0, expected) }) else {
            throw refuse("its signature is not that of the shared secret")
        }
        guard let event = try? JSONValue.parse(body), let id = event["id"]?.stringValue,
            let type = event["type"]?.stringValue
        else { throw refuse("it is no event") }
        self.id = id
        self.type = type
        key = event["data"]?["object"]?["metadata"]?["veroforge_key"]?.stringValue
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// Takes as long for every difference.
    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
