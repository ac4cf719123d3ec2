import Glibc
import Synchronization

/// Something that waits for its descriptors and for time to pass. Called on the reactor's thread only.
protocol ReactorSource: AnyObject, Sendable {
    func ready(_ fd: Int32, _ events: UInt32)
    /// Called every few milliseconds while anything is being watched.
    func tick(_ now: UInt64)
}

/// One thread that waits for all runners' descriptors and watches their deadlines. A thread of its own, because
/// the end of a runaway must not wait behind work.
final class Reactor: Sendable {
    static let shared = Reactor()
    static let tickMs: Int32 = 5
    /// After the last activity ticking goes on a little, so that a busy host does not stop and start it each call.
    private static let lingerNs: UInt64 = 200_000_000

    private struct Entry {
        let fd: Int32
        let source: any ReactorSource
    }
    private struct State {
        var entries: [UInt64: Entry] = [:]
        var last: UInt64 = 0
        /// Who is ticked: from the first descriptor until its process is reaped.
        var members: [ObjectIdentifier: any ReactorSource] = [:]
    }

    private let epoll = epollCreate(Epoll.closeOnExec)
    private let wake = eventDescriptor(0, Epoll.closeOnExec | O_NONBLOCK)
    private let state = Mutex(State())
    private let tickUntil = Atomic<UInt64>(0)
    private let isTicking = Atomic<Bool>(false)

    private init() {
        // A runner that goes away while it is written to is an answer, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        control(Epoll.add, wake, Epoll.readable, 0)
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        // SAFETY: the reactor is never released, and the thread is its only user of the retained reference.
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Reactor>.fromOpaque(context!).takeUnretainedValue().run()
            }, box.toOpaque())
        pthread_detach(thread)
    }

    /// Begins to wait for a descriptor to become readable.
    func add(_ fd: Int32, _ source: any ReactorSource) -> UInt64 {
        let key = state.withLock { state in
            state.last += 1
            state.entries[state.last] = Entry(fd: fd, source: source)
            return state.last
        }
        control(Epoll.add, fd, Epoll.readable, key)
        return key
    }

    func join(_ source: any ReactorSource) {
        state.withLock { $0.members[ObjectIdentifier(source)] = source }
    }

    func leave(_ source: any ReactorSource) {
        state.withLock { _ = $0.members.removeValue(forKey: ObjectIdentifier(source)) }
    }

    func update(_ key: UInt64, _ fd: Int32, wantsWrite: Bool) {
        control(Epoll.modify, fd, Epoll.readable | (wantsWrite ? Epoll.writable : 0), key)
    }

    /// Stops waiting. The caller closes the descriptor afterwards.
    func remove(_ key: UInt64, _ fd: Int32) {
        control(Epoll.delete, fd, 0, 0)
        state.withLock { _ = $0.entries.removeValue(forKey: key) }
    }

    /// Makes sure that ticks come from now on.
    func keepTicking(_ now: UInt64 = Clock.monotonic()) {
        tickUntil.store(now + Reactor.lingerNs, ordering: .relaxed)
        if !isTicking.exchange(true, ordering: .acquiringAndReleasing) {
            var one: UInt64 = 1
            _ = write(wake, &one, 8)
        }
    }

    private func control(_ operation: Int32, _ fd: Int32, _ events: UInt32, _ key: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: Epoll.eventBytes, alignment: 8) { event in
            event.storeBytes(of: events, as: UInt32.self)
            event.storeBytes(of: key, toByteOffset: Epoll.dataOffset, as: UInt64.self)
            _ = epollControl(epoll, operation, fd, event.baseAddress)
        }
    }

    private func run() -> Never {
        let capacity = 256
        let events = UnsafeMutableRawPointer.allocate(byteCount: capacity * Epoll.eventBytes, alignment: 8)
        var nextTick: UInt64 = 0
        while true {
            let ticking = isTicking.load(ordering: .acquiring)
            let count = epollWait(epoll, events, Int32(capacity), ticking ? Reactor.tickMs : -1)
            for index in 0..<Int(max(0, count)) {
                let event = events + index * Epoll.eventBytes
                let key = event.loadUnaligned(fromByteOffset: Epoll.dataOffset, as: UInt64.self)
                let happened = event.loadUnaligned(as: UInt32.self)
                if key == 0 {
                    var drained: UInt64 = 0
                    _ = read(wake, &drained, 8)
                } else if let entry = state.withLock({ $0.entries[key] }) {
                    entry.source.ready(entry.fd, happened)
                }
            }
            let now = Clock.monotonic()
            guard ticking || isTicking.load(ordering: .acquiring), now >= nextTick else { continue }
            nextTick = now + UInt64(Reactor.tickMs) * 1_000_000
            let members = state.withLock { Array($0.members.values) }
            for member in members { member.tick(now) }
            if tickUntil.load(ordering: .relaxed) < now {
                isTicking.store(false, ordering: .sequentiallyConsistent)
                // A call that began between the look and the store sees the flag down and wakes us.
                if tickUntil.load(ordering: .sequentiallyConsistent) >= now {
                    isTicking.store(true, ordering: .relaxed)
                }
            }
        }
    }
}
