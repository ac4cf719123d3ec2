public import Marketplace
internal import Metering
internal import Provenance

/// Prices by their digest, frozen: what a subscription agreed to is found by the digest it keeps, for ever.
public struct PriceBook: Sendable {
    public private(set) var prices: [Digest: Pricing] = [:]
    private(set) var documents: [Digest: JSONValue] = [:]

    public init() {}

    /// Takes a manifest's `pricing` object, and gives the digest by which subscriptions name it.
    @discardableResult
    public mutating func add(_ document: JSONValue) throws(BillingError) -> Digest {
        let digest = SubscriptionEvent.priceDigest(of: document)
        if prices[digest] != nil { return digest }
        prices[digest] = try BillingJSON.decode(
            Pricing.self, from: document.serializedBytes(), subject: "price \(digest)")
        documents[digest] = document
        return digest
    }

    /// The same for a manifest's parsed pricing.
    @discardableResult
    public mutating func add(_ pricing: Pricing) throws(BillingError) -> Digest {
        try add(try PriceBook.document(of: pricing))
    }

    /// The JSON object that a subscription event carries for a pricing.
    public static func document(of pricing: Pricing) throws(BillingError) -> JSONValue {
        do {
            return try JSONValue.parse(try BillingJSON.encode(pricing, subject: "pricing"))
        } catch let error as BillingError {
            throw error
        } catch {
            throw BillingError(.configuration, "pricing", "\(error)")
        }
    }

    /// Writes each price once to `folder/<digest>.json`; a file that is there already is never changed.
    func freeze(into folder: String, _ disk: Disk) throws(BillingError) {
        for (digest, document) in documents.sorted(by: { $0.key < $1.key }) {
            let path = "\(folder)/\(digest.hex).json"
            try BillingError.storing { () throws(MeteringError) in
                if !disk.exists(path) { try disk.replace(path, with: document.serializedBytes()) }
            }
        }
    }

    /// Reads back what was frozen, checking each file's name against its bytes.
    mutating func thaw(from folder: String, _ disk: Disk) throws(BillingError) {
        let names = try BillingError.storing { () throws(MeteringError) in try disk.list(folder) }
        for name in names where name.hasSuffix(".json") {
            let bytes = try BillingError.storing { () throws(MeteringError) in
                try disk.read("\(folder)/\(name)")
            }
            guard Digest.sha256(of: bytes).hex + ".json" == name, let document = try? JSONValue.parse(bytes)
            else {
                throw BillingError(.conservation, "\(folder)/\(name)", "is not what its name says")
            }
            try add(document)
        }
    }
}

extension BillingError {
    /// A storage failure of the layer below, in Billing's words.
    static func storing<T>(_ body: () throws(MeteringError) -> T) throws(BillingError) -> T {
        do {
            return try body()
        } catch {
            let code: Code =
                switch error.code {
                case .limit: .limit
                case .badSegment, .badName: .incomplete
                default: .storage
                }
            throw BillingError(code, error.subject, error.cause)
        }
    }
}
