internal import FoundationEssentials
internal import Marketplace

/// The one way in which Billing writes and reads JSON: sorted keys, indented, a line feed at the end.
enum BillingJSON {
    static func encode(_ value: some Encodable, subject: String) throws(BillingError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [0x0A]
        } catch {
            throw BillingError(.storage, subject, "cannot be written as JSON: \(error)")
        }
    }

    /// Strict first (duplicate keys, depth), then by type.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8], subject: String)
        throws(BillingError) -> T
    {
        do {
            _ = try JSONValue.parse(bytes, limits: JSONLimits(bytes: 1 << 30))
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw BillingError(.storage, subject, "is not the JSON that is expected: \(error)")
        }
    }
}
