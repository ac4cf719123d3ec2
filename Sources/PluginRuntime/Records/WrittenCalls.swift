import Marketplace
import Metering

/// The ids of this node's latest usage events. A call that was recorded and whose answer was lost in a crash comes
/// again with its idempotency key, and so with the same id: it is answered again and not recorded a second time,
/// for its times and sizes would differ and two bodies under one id are nobody's bill.
struct WrittenCalls: Sendable {
    private let ids: Set<String>

    /// Reads the segments of the newest day that has any and of the day before it: idempotency keys live shorter.
    init(usage root: String, node: String) {
        var ids: Set<String> = []
        let folder = SegmentFolder(root)
        let own = ((try? folder.segments()) ?? []).filter { $0.node == node }
        guard let newest = own.map(\.day).max() else {
            self.ids = []
            return
        }
        for name in own where name.day >= newest.adding(days: -1) {
            // A segment that cannot be read is the night's alarm; here it only teaches no ids.
            guard let contents = try? SegmentReader.read(folder.path(of: name)) else { continue }
            for line in contents.bytes[contents.events].split(separator: 0x0A) {
                if let id = Self.id(in: line) { ids.insert(id) }
            }
        }
        self.ids = ids
    }

    func contains(_ id: String) -> Bool { ids.contains(id) }

    /// The line's `id`: our writer's lines are compact and escape no id.
    private static func id(in line: ArraySlice<UInt8>) -> String? {
        let mark = Array("\"id\":\"".utf8)
        guard let found = line.firstRange(of: mark) else { return nil }
        let rest = line[found.upperBound...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}
