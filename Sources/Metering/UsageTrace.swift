public import Marketplace

/// The lines of usage that a sum is made of: file, offset, quantity.
public struct UsageTrace: Sendable {
    public struct Line: Hashable, Sendable {
        public let file: String
        public let offset: Int
        public let id: String
        public let time: Instant
        public var quantity: Int64
    }

    public var tenant: String
    public var plugin: String
    public var plan: String
    /// A metric's name, or `amount.<currency>`.
    public var metric: String

    public init(tenant: String, plugin: String, plan: String, metric: String) {
        self.tenant = tenant
        self.plugin = plugin
        self.plan = plan
        self.metric = metric
    }

    /// The lines that a roll-up of the same sources counted, in order of file and offset; `quarantined` are left out.
    public func lines(
        in sources: [RollUp.Source], until: Instant?, quarantined: Set<QuarantinedLine.Place>,
        disk: Disk = Disk()
    ) throws(MeteringError) -> [Line] {
        var seen: Set<String> = []
        var found: [Line] = []
        let buffer = PieceBuffer()
        let sorted = sources.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        for isKnown in [true, false] {
            for source in sorted where isKnown || source.role == .counted {
                let files = try SegmentPieces(source, disk: disk)
                for piece in 0..<files.pieceCount {
                    try files.forEachLine(piece: piece, buffer: buffer, disk: disk) {
                        (offset, p, length) throws(MeteringError) in
                        let bytes = Array(UnsafeBufferPointer(start: p, count: length))
                        guard let line = line(bytes, source.path, offset) else { return }
                        let isBilled = source.billedBefore.map { line.time < $0 } ?? (source.role == .known)
                        if isKnown {
                            if isBilled { seen.insert(line.id) }
                            return
                        }
                        if isBilled || until.map({ line.time >= $0 }) ?? false { return }
                        if quarantined.contains(.init(file: source.path, offset: offset)) { return }
                        if seen.insert(line.id).inserted && line.quantity != 0 { found.append(line) }
                    }
                }
            }
        }
        return found
    }

    private func line(_ bytes: [UInt8], _ file: String, _ offset: Int) -> Line? {
        var names = LineScanner()
        let reading: MeterReading
        var amount: Money?
        switch GeneralLine.read(bytes, names: &names) {
        case .reading(let own): reading = own
        case .amount(let own, let event): (reading, amount) = (own, event.amount)
        default: return nil
        }
        guard names.tenants.text(reading.tenant) == tenant, names.plugins.text(reading.plugin) == plugin,
            names.plans.text(reading.plan) == plan, let value = try? JSONValue.parse(bytes),
            let id = value["id"]?.stringValue
        else { return nil }
        let quantity: Int64
        if let amount {
            guard metric == "amount.\(amount.currency.code)" else { return nil }
            quantity = amount.minor
        } else if let index = Quantities.names.firstIndex(of: metric) {
            quantity = reading.quantities.inOrder[index]
        } else {
            return nil
        }
        return Line(
            file: file, offset: offset, id: id, time: Instant(milliseconds: reading.timeMs),
            quantity: quantity)
    }
}

extension QuarantinedLine {
    /// Where a line stands.
    public struct Place: Hashable, Sendable {
        public let file: String
        public let offset: Int

        public init(file: String, offset: Int) {
            self.file = file
            self.offset = offset
        }
    }
}
