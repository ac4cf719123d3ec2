internal import Marketplace

/// Writes events as one JSON object a line, keys in the design's order. Hand-made: this runs once per call.
enum EventLine {
    static func bytes(_ event: MeterEvent) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(384)
        append(event, to: &bytes)
        return bytes
    }

    static func append(_ event: MeterEvent, to bytes: inout [UInt8]) {
        var line = Line()
        bytes.append(UInt8(ascii: "{"))
        switch event {
        case .call(let call):
            line.head(&bytes, call.id, call.time, call.node, call.seq, call.tenant, call.plugin, call.version)
            line.text(&bytes, "action", call.action)
            line.text(&bytes, "plan", call.plan)
            line.text(&bytes, "outcome", call.outcome)
            line.number(&bytes, "calls", call.calls)
            line.number(&bytes, "apiCalls", call.apiCalls)
            line.number(&bytes, "executionMs", call.executionMs)
            line.number(&bytes, "bytesIn", call.bytesIn)
            line.number(&bytes, "bytesOut", call.bytesOut)
            line.number(&bytes, "storageBytes", call.storageBytes)
        case .storage(let sample):
            line.text(&bytes, "kind", "storage")
            line.head(
                &bytes, sample.id, sample.time, sample.node, sample.seq, sample.tenant, sample.plugin,
                sample.version)
            line.text(&bytes, "plan", sample.plan)
            line.number(&bytes, "storageBytes", sample.storageBytes)
            line.number(&bytes, "hours", sample.hours)
        case .amount(let event):
            line.text(&bytes, "kind", "amount")
            line.head(
                &bytes, event.id, event.time, event.node, event.seq, event.tenant, event.plugin, event.version
            )
            line.text(&bytes, "plan", event.plan)
            line.text(&bytes, "amount", event.amount.amount)
            line.text(&bytes, "currency", event.amount.currency.code)
        case .subscription(let event):
            line.text(&bytes, "kind", "subscription")
            line.head(
                &bytes, event.id, event.time, event.node, event.seq, event.tenant, event.plugin, event.version
            )
            line.text(&bytes, "change", event.change.rawValue)
            line.text(&bytes, "plan", event.plan)
            line.number(&bytes, "seats", event.seats)
            line.text(&bytes, "price", event.price.hex)
            if let pricing = event.pricing { line.raw(&bytes, "pricing", pricing.serializedBytes()) }
            line.text(&bytes, "country", event.country)
            line.text(&bytes, "customer", event.customer)
            if let vatID = event.vatID { line.text(&bytes, "vatId", vatID) }
            if let cap = event.cap {
                line.text(&bytes, "cap", cap.amount)
                line.text(&bytes, "currency", cap.currency.code)
            }
        }
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Members, with commas between them.
    private struct Line {
        private var isFirst = true

        mutating func head(
            _ bytes: inout [UInt8], _ id: String, _ time: Instant, _ node: String, _ seq: Int64,
            _ tenant: TenantID,
            _ plugin: PluginID,
            _ version: String
        ) {
            text(&bytes, "id", id)
            text(&bytes, "time", time.description)
            text(&bytes, "node", node)
            number(&bytes, "seq", seq)
            text(&bytes, "tenant", tenant.text)
            text(&bytes, "plugin", plugin.text)
            text(&bytes, "version", version)
        }

        private mutating func key(_ bytes: inout [UInt8], _ key: StaticString) {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.append(UInt8(ascii: "\""))
            key.withUTF8Buffer { bytes.append(contentsOf: $0) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
        }

        mutating func text(_ bytes: inout [UInt8], _ name: StaticString, _ value: String) {
            key(&bytes, name)
            let isPlain = value.utf8.withContiguousStorageIfAvailable { units in
                guard units.allSatisfy(JSONText.isPlain) else { return false }
                bytes.append(UInt8(ascii: "\""))
                bytes.append(contentsOf: units)
                bytes.append(UInt8(ascii: "\""))
                return true
            }
            if isPlain != true { bytes.append(contentsOf: JSONValue.string(value).serializedBytes()) }
        }

        mutating func number(_ bytes: inout [UInt8], _ name: StaticString, _ value: Int64) {
            key(&bytes, name)
            bytes.append(contentsOf: String(value).utf8)
        }

        mutating func raw(_ bytes: inout [UInt8], _ name: StaticString, _ value: [UInt8]) {
            key(&bytes, name)
            bytes.append(contentsOf: value)
        }
    }
}
