public import Marketplace

/// Any line between a segment's header and its seal.
public enum MeterEvent: Hashable, Sendable {
    case call(UsageEvent)
    case storage(StorageSample)
    case amount(AmountEvent)
    case subscription(SubscriptionEvent)

    public var id: String {
        switch self {
        case .call(let event): event.id
        case .storage(let event): event.id
        case .amount(let event): event.id
        case .subscription(let event): event.id
        }
    }

    public var time: Instant {
        switch self {
        case .call(let event): event.time
        case .storage(let event): event.time
        case .amount(let event): event.time
        case .subscription(let event): event.time
        }
    }

    public var tenant: TenantID {
        switch self {
        case .call(let event): event.tenant
        case .storage(let event): event.tenant
        case .amount(let event): event.tenant
        case .subscription(let event): event.tenant
        }
    }

    public var seq: Int64 {
        switch self {
        case .call(let event): event.seq
        case .storage(let event): event.seq
        case .amount(let event): event.seq
        case .subscription(let event): event.seq
        }
    }

    /// The same event, stamped with who wrote it and where it stands.
    func stamped(node: String, seq: Int64) -> MeterEvent {
        switch self {
        case .call(var event):
            (event.node, event.seq) = (node, seq)
            return .call(event)
        case .storage(var event):
            (event.node, event.seq) = (node, seq)
            return .storage(event)
        case .amount(var event):
            (event.node, event.seq) = (node, seq)
            return .amount(event)
        case .subscription(var event):
            (event.node, event.seq) = (node, seq)
            return .subscription(event)
        }
    }
}

/// Limits on what one line may say; a line beyond them is quarantined, never cut.
public enum MeterLimits {
    /// One line with its line feed. A subscription carries a price list, so lines may be long.
    public static let lineBytesMax = 1 << 20
    public static let idBytesMax = 128
    public static let textBytesMax = 256
    /// 10¹⁵: a quantity of one event. Nine thousand such still add up in 64 bits, and sums are checked.
    public static let quantityMax: Int64 = 1_000_000_000_000_000
    public static let seatsMax: Int64 = 1_000_000
}

extension MeterEvent {
    /// The event as one line of JSON with its line feed.
    public var line: [UInt8] { EventLine.bytes(self) }

    /// Appends the same to what stands there already.
    public func appendLine(to bytes: inout [UInt8]) { EventLine.append(self, to: &bytes) }

    /// Reads lines of amounts and subscriptions, strictly.
    public static func all(in lines: ArraySlice<UInt8>, subject: String) throws(MeteringError) -> [MeterEvent]
    {
        var names = LineScanner()
        var events: [MeterEvent] = []
        var start = lines.startIndex
        while start < lines.endIndex {
            let end = lines[start...].firstIndex(of: 0x0A) ?? lines.endIndex
            let line = lines[start..<end]
            start = end + 1
            if line.isEmpty { continue }
            if let (_, event) = SubscriptionLine.read(line, names: &names) {
                events.append(.subscription(event))
                continue
            }
            switch GeneralLine.read(Array(line), names: &names) {
            case .amount(_, let event): events.append(.amount(event))
            case .subscription(_, let event): events.append(.subscription(event))
            case .reading: throw MeteringError(.badSegment, subject, "quantities are read by the roll-up")
            case .quarantined(let why): throw MeteringError(.badSegment, subject, why)
            }
        }
        return events
    }
}
