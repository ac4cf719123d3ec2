import CQuickJS
import Frames

/// Timers of a call that is recorded or replayed: each is a request to the host, which answers when the time has come.
/// So the order of timers and of operations' answers is one order, and the host's to write down and to give again.
struct AskedTimers {
    struct Timer {
        let id: Int32
        let delayMs: UInt64
        let repeats: Bool
    }

    private var asked: [UInt32: Timer] = [:]
    private var granted: [Timer] = []
    private var live: Set<Int32> = []
    private var last: Int32 = 0

    /// A timer's own number.
    mutating func next() -> Int32 {
        last = last == .max ? 1 : last + 1
        live.insert(last)
        return last
    }

    mutating func ask(_ timer: Timer, by request: UInt32) { asked[request] = timer }

    /// Takes the host's answer; false where the request was for no timer.
    mutating func grant(_ request: UInt32) -> Bool {
        guard let timer = asked.removeValue(forKey: request) else { return false }
        granted.append(timer)
        return true
    }

    /// The next timer that may fire and was not cleared meanwhile.
    mutating func take() -> Timer? {
        while !granted.isEmpty {
            let timer = granted.removeFirst()
            guard live.contains(timer.id) else { continue }
            if !timer.repeats { live.remove(timer.id) }
            return timer
        }
        return nil
    }

    mutating func remove(_ id: Int32) { live.remove(id) }

    mutating func removeAll() {
        asked = [:]
        granted = []
        live = []
    }
}

extension Program {
    /// Asks the host for a timer; nil where too much waits already.
    func askTimer(delayMs: UInt64, repeats: Bool, id: Int32? = nil) -> Int32? {
        guard case .calling = session.state, session.waitingCount < Int(bounds.waiting) else { return nil }
        let timer = AskedTimers.Timer(
            id: id ?? asked.next(), delayMs: repeats ? max(1, delayMs) : delayMs, repeats: repeats)
        let request = session.nextRequest
        asked.ask(timer, by: request)
        send(
            .apiRequest(
                id: request, name: FrameProtocol.timer, json: Array("{\"ms\":\(timer.delayMs)}".utf8)))
        return timer.id
    }

    /// A timer that the host has let go.
    func takeAsked() -> (id: Int32, delayMs: UInt64)? {
        guard let timer = asked.take() else { return nil }
        if timer.repeats { _ = askTimer(delayMs: timer.delayMs, repeats: true, id: timer.id) }
        return (timer.id, timer.delayMs)
    }
}
