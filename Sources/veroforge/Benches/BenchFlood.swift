import Foundation
import Synchronization

/// A caller that asks far too often and does not listen: a bounded number of connections that are kept open, a request
/// on the next free one each time one is due, refused or not.
///
/// One thread with plain sockets: what a neighbour feels has to be the runtime's work and not the caller's.
final class BenchFlood: Sendable {
    /// What became of the requests.
    struct Outcome: Sendable {
        var answered = 0
        var refused = 0
        var other = 0
        var seconds = 0.0

        var perSecond: Double { Double(answered + refused + other) / seconds }

        static func + (a: Outcome, b: Outcome) -> Outcome {
            Outcome(
                answered: a.answered + b.answered, refused: a.refused + b.refused, other: a.other + b.other,
                seconds: a.seconds + b.seconds)
        }
    }

    private let requests: [BenchRequest]
    private let perSecond: Double
    private let connections: Int
    private let isStopped = Atomic<Bool>(false)
    private let outcome = Mutex(Outcome())
    private let ended = DispatchSemaphore(value: 0)

    /// Asks `calls` in turn, `perSecond` times a second, on at most `connections` connections.
    init(_ calls: [BenchLoad.Call], perSecond: Double, connections: Int = 32) {
        self.perSecond = perSecond
        self.connections = connections
        requests = calls.map(BenchRequest.init)
    }

    func start() {
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.start()
    }

    func stop() async -> Outcome {
        isStopped.store(true, ordering: .relaxed)
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                ended.wait()
                continuation.resume(returning: outcome.withLock { $0 })
            }
        }
    }

    private func run() {
        var wire = BenchWire(most: connections)
        var result = Outcome()
        var sent = 0
        let begin = BenchWire.now()
        func elapsed() -> Double { Double(BenchWire.now() - begin) / 1e9 }
        while !isStopped.load(ordering: .relaxed) {
            let due = Int(elapsed() * perSecond)
            while sent < due, wire.send(requests[sent % requests.count], number: sent) { sent += 1 }
            for (_, status) in wire.answers(until: BenchWire.now() + 1_000_000) {
                Self.count(status, &result)
            }
        }
        wire.close()
        result.seconds = elapsed()
        outcome.withLock { $0 = result }
    }

    private static func count(_ status: Int, _ result: inout Outcome) {
        switch status {
        case 200..<300: result.answered += 1
        case 429: result.refused += 1
        default: result.other += 1
        }
    }
}
