import Marketplace
import Metering
import Synchronization

/// Keeps recordings of failed calls, where the customer has asked for it: `replays/<tenant>/<plugin>/<call>.json` in
/// the data directory, the newest few of each installation. The file `kept` beside them says that it is asked for.
final class RecordingShelf: Sendable {
    static let countMax = 20
    private static let marker = "kept"

    private let folder: String
    private let known = Mutex<[Hosts.Key: Bool]>([:])

    init(data: String) { folder = "\(data)/replays" }

    private func place(_ key: Hosts.Key) -> String { "\(folder)/\(key.tenant)/\(key.plugin)" }

    func isOn(_ key: Hosts.Key) -> Bool {
        if let state = known.withLock({ $0[key] }) { return state }
        let state = Disk().exists("\(place(key))/\(Self.marker)")
        known.withLock { $0[key] = state }
        return state
    }

    /// Begins or ends keeping; ending removes what is kept.
    func turn(_ on: Bool, _ key: Hosts.Key) throws {
        let disk = Disk()
        if on {
            try disk.makeDirectories(place(key))
            _ = try disk.replace("\(place(key))/\(Self.marker)", with: [])
        } else if disk.exists(place(key)) {
            for name in try disk.list(place(key)) { try disk.remove("\(place(key))/\(name)") }
        }
        known.withLock { $0[key] = on }
    }

    /// The ids of the kept calls, the oldest first.
    func calls(_ key: Hosts.Key) throws -> [String] {
        guard Disk().exists(place(key)) else { return [] }
        return try Disk().list(place(key)).filter { $0.hasSuffix(".json") }
            .map { name in
                let recording = try JSONValue.parse(try Disk().read("\(place(key))/\(name)"))
                return (recording["clock"]?.stringValue ?? "", String(name.dropLast(5)))
            }
            .sorted { $0 < $1 }.map(\.1)
    }

    func recording(_ call: String, _ key: Hosts.Key) throws -> JSONValue? {
        guard Self.isPlain(call), let bytes = try Disk().readIfPresent("\(place(key))/\(call).json") else {
            return nil
        }
        return try JSONValue.parse(bytes)
    }

    func remove(_ call: String, _ key: Hosts.Key) throws {
        if Self.isPlain(call) { try Disk().remove("\(place(key))/\(call).json") }
    }

    /// Puts a recording on the shelf and takes the oldest down; a full disk must not fail the call.
    func put(_ bytes: [UInt8], call: String, _ key: Hosts.Key) {
        guard Self.isPlain(call) else { return }
        do {
            _ = try Disk().replace("\(place(key))/\(call).json", with: bytes)
            for old in try calls(key).dropLast(Self.countMax) { try remove(old, key) }
        } catch { return }
    }

    /// Ids are made here; what else could lead out of the folder is none.
    private static func isPlain(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy {
                $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            }
    }
}
