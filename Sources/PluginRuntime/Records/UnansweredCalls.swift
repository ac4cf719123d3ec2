import Marketplace
import Metering
import Synchronization

/// The calls that carry an idempotency key and whose usage is recorded, but whose answer is not kept yet. A crash, or a
/// registry that could not be written, leaves such a call; when its key comes again the plugin runs again, and the usage
/// is not recorded a second time: the times and sizes would differ, and two bodies under one id are nobody's bill.
///
/// A checkpoint file names them and says up to which event it speaks. At the start the file is read, and of the
/// segments the events after it: each of those counts as unanswered, which costs nothing where the registry has the
/// answer. So the time that a key is good for bounds what is remembered, not the size of the segments.
final class UnansweredCalls: Sendable {
    private struct State {
        /// The recorded events of a call, by the call's id, and the day they were recorded on.
        var calls: [String: (day: Day, events: Set<String>)] = [:]
        /// The highest `seq` of an event that this process, or the checkpoint, knows of.
        var seq: Int64 = 0
        var changed = false
    }

    private let path: String
    private let state: Mutex<State>

    /// Reads the checkpoint and the segments of `node` after it. Called before the node's first segment is begun.
    init(path: String, usage root: String, node: String) {
        self.path = path
        var known = Self.read(path) ?? State()
        let border = known.seq
        let folder = SegmentFolder(root)
        let own = ((try? folder.segments()) ?? []).filter { $0.node == node }
        for name in own.reversed() {
            // A segment that cannot be read is the night's alarm; here it only teaches nothing.
            guard let contents = try? SegmentReader.read(folder.path(of: name)) else { continue }
            var isOlder = false
            for line in contents.bytes[contents.events].split(separator: 0x0A) {
                guard let value = try? JSONValue.parse(Array(line)), let id = value["id"]?.stringValue,
                    let seq = value["seq"]?.integerValue
                else { continue }
                if seq <= border {
                    isOlder = true
                    continue
                }
                known.seq = max(known.seq, seq)
                if let call = Self.call(of: id) {
                    known.calls[call, default: (name.day, [])].events.insert(id)
                    known.changed = true
                }
            }
            if isOlder { break }
        }
        state = Mutex(known)
    }

    /// Whether the event may be recorded: true once for each event of a call with a key, always for others. Called
    /// before the event is written, so that no checkpoint overlooks it.
    func begin(_ event: String, on day: Day) -> Bool {
        guard let call = Self.call(of: event) else { return true }
        return state.withLock { state in
            state.changed = true
            return state.calls[call, default: (day, [])].events.insert(event).inserted
        }
    }

    /// The event was written as the `seq`th.
    func recorded(_ seq: Int64) {
        state.withLock { state in
            state.seq = max(state.seq, seq)
            state.changed = true
        }
    }

    /// The event could not be written.
    func failed(_ event: String) {
        guard let call = Self.call(of: event) else { return }
        state.withLock { state in
            state.calls[call]?.events.remove(event)
            if state.calls[call]?.events.isEmpty ?? false { state.calls[call] = nil }
        }
    }

    /// The call's answer is kept in the registry: its key does not reach a plugin again.
    func answered(_ call: String) {
        state.withLock { state in
            if state.calls.removeValue(forKey: call) != nil { state.changed = true }
        }
    }

    var count: Int { state.withLock { $0.calls.count } }

    /// Writes the checkpoint, and forgets calls whose keys are not kept any longer.
    func checkpoint(_ today: Day, keptDays: Int) throws(MeteringError) {
        let document = state.withLock { state -> JSONValue? in
            guard state.changed else { return nil }
            state.changed = false
            state.calls = state.calls.filter { $0.value.day >= today.adding(days: -keptDays - 1) }
            let calls = state.calls.mapValues { call -> JSONValue in
                [
                    "day": .string(call.day.description),
                    "events": .array(call.events.sorted().map(JSONValue.string)),
                ]
            }
            return [
                "schema": "veroforge.unanswered-calls/1", "seq": .integer(state.seq), "calls": .object(calls),
            ]
        }
        if let document { try Disk().replace(path, with: document.serializedBytes()) }
    }

    private static func read(_ path: String) -> State? {
        guard let bytes = try? Disk().readIfPresent(path), let document = try? JSONValue.parse(bytes),
            let seq = document["seq"]?.integerValue, let calls = document["calls"]?.objectValue
        else { return nil }
        var state = State()
        state.seq = seq
        for (call, value) in calls {
            guard let day = value["day"]?.stringValue.flatMap({ Day($0) }) else { continue }
            state.calls[call] = (day, Set((value["events"]?.arrayValue ?? []).compactMap(\.stringValue)))
        }
        return state
    }

    /// The id of the call with a key that an event belongs to; nil for events of other kinds.
    private static func call(of event: String) -> String? {
        guard CallID.isKeyed(event) else { return nil }
        return String(event.prefix { $0 != "-" })
    }
}
