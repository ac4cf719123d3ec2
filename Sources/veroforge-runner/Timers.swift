/// The timers of the present call, in milliseconds of monotonic time.
struct Timers {
    static let countMax = 1_000

    private struct Timer {
        let id: Int32
        var due: UInt64
        let delayMs: UInt64
        let repeats: Bool
    }

    private var timers: [Timer] = []
    private var last: Int32 = 0

    var isEmpty: Bool { timers.isEmpty }

    mutating func add(delayMs: UInt64, repeats: Bool) -> Int32? {
        guard timers.count < Timers.countMax else { return nil }
        last = last == .max ? 1 : last + 1
        // A repeating timer of no delay would leave no room for anything else.
        let delayMs = repeats ? max(1, delayMs) : delayMs
        insert(
            Timer(id: last, due: Meter.monotonic() + delayMs * 1_000_000, delayMs: delayMs, repeats: repeats))
        return last
    }

    mutating func remove(_ id: Int32) { timers.removeAll { $0.id == id } }
    mutating func removeAll() { timers = [] }

    /// When the next one is due.
    var nextDue: UInt64? { timers.first?.due }

    /// Takes the next timer that is due, with its delay.
    mutating func takeDue(at now: UInt64) -> (id: Int32, delayMs: UInt64)? {
        guard let first = timers.first, first.due <= now else { return nil }
        timers.removeFirst()
        if first.repeats {
            insert(
                Timer(
                    id: first.id, due: now + first.delayMs * 1_000_000, delayMs: first.delayMs, repeats: true)
            )
        }
        return (first.id, first.delayMs)
    }

    /// Keeps the order of due time, and of arrival among equals.
    private mutating func insert(_ timer: Timer) {
        let index = timers.firstIndex { $0.due > timer.due } ?? timers.endIndex
        timers.insert(timer, at: index)
    }
}
