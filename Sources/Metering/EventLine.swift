internal import Marketplace

/// Writes events as one JSON object a line, keys in the design's order. Hand-made: this runs once per call.
enum EventLine {
    static func bytes(_ event: MeterEvent) -> [UInt8] {
        var line = Line()
        switch event {
        case .call(let call):
            line.head(call.id, call.time, call.node, call.seq, call.tenant, call.plugin, call.version)
            line.text("action", call.action)
            line.text("plan", call.plan)
            line.text("outcome", call.outcome)
            line.number("calls", call.calls)
            line.number("apiCalls", call.apiCalls)
            line.number("executionMs", call.executionMs)
            line.number("bytesIn", call.bytesIn)
            line.number("bytesOut", call.bytesOut)
            line.number("storageBytes", call.storageBytes)
        case .storage(let sample):
            line.text("kind", "storage")
            line.head(
                sample.id, sample.time, sample.node, sample.seq, sample.tenant, sample.plugin, sample.version)
            line.text("plan", sample.plan)
            line.number("storageBytes", sample.storageBytes)
            line.number("hours", sample.hours)
        case .amount(let event):
            line.text("kind", "amount")
            line.head(event.id, event.time, event.node, event.seq, event.tenant, event.plugin, event.version)
            line.text("plan", event.plan)
            line.text("amount", event.amount.amount)
            line.text("currency", event.amount.currency.code)
        case .subscription(let event):
            line.text("kind", "subscription")
            line.head(event.id, event.time, event.node, event.seq, event.tenant, event.plugin, event.version)
            line.text("change", event.change.rawValue)
            line.text("plan", event.plan)
            line.number("seats", event.seats)
            line.text("price", event.price.hex)
            if let pricing = event.pricing { line.raw("pricing", pricing.serializedBytes()) }
            line.text("country", event.country)
            line.text("customer", event.customer)
            if let vatID = event.vatID { line.text("vatId", vatID) }
            if let cap = event.cap {
                line.text("cap", cap.amount)
                line.text("currency", cap.currency.code)
            }
        }
        return line.finish()
    }

    private struct Line {
        private var bytes: [UInt8] = []

        init() {
            bytes.reserveCapacity(384)
            bytes.append(UInt8(ascii: "{"))
        }

        mutating func head(
            _ id: String, _ time: Instant, _ node: String, _ seq: Int64, _ tenant: TenantID,
            _ plugin: PluginID,
            _ version: String
        ) {
            text("id", id)
            text("time", time.description)
            text("node", node)
            number("seq", seq)
            text("tenant", tenant.text)
            text("plugin", plugin.text)
            text("version", version)
        }

        mutating func key(_ key: StaticString) {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            key.withUTF8Buffer { bytes.append(contentsOf: $0) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
        }

        mutating func text(_ name: StaticString, _ value: String) {
            key(name)
            let plain = value.utf8.allSatisfy {
                $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
            if plain {
                bytes.append(UInt8(ascii: "\""))
                bytes.append(contentsOf: value.utf8)
                bytes.append(UInt8(ascii: "\""))
            } else {
                bytes.append(contentsOf: JSONValue.string(value).serializedBytes())
            }
        }

        mutating func number(_ name: StaticString, _ value: Int64) {
            key(name)
            bytes.append(contentsOf: String(value).utf8)
        }

        mutating func raw(_ name: StaticString, _ value: [UInt8]) {
            key(name)
            bytes.append(contentsOf: value)
        }

        consuming func finish() -> [UInt8] {
            bytes.append(UInt8(ascii: "}"))
            bytes.append(UInt8(ascii: "\n"))
            return bytes
        }
    }
}
