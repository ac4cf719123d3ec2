import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// Hands out numbers from 0, each once.
private final class NextIndex: Sendable {
    private let next = Atomic<Int>(0)

    func take() -> Int { next.add(1, ordering: .relaxed).oldValue }
}

/// Durations of calls, and what to say of them.
struct BenchTimes: Sendable {
    var milliseconds: [Double] = []
    var failures = 0

    func quantile(_ part: Double) -> Double {
        let sorted = milliseconds.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }

    var text: String {
        let words =
            "p50 \(Self.show(quantile(0.5))) ms, p99 \(Self.show(quantile(0.99))) ms, \(milliseconds.count) calls"
        return failures == 0 ? words : words + ", \(failures) failed"
    }

    static func + (a: BenchTimes, b: BenchTimes) -> BenchTimes {
        BenchTimes(milliseconds: a.milliseconds + b.milliseconds, failures: a.failures + b.failures)
    }

    /// Notes how a call that began at a moment of `BenchWire.now` was answered just now.
    mutating func note(_ status: Int, since begin: UInt64) {
        if (200..<300).contains(status) {
            milliseconds.append(Double(BenchWire.now() - begin) / 1e6)
        } else {
            failures += 1
        }
    }

    static func show(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// Sends calls and takes their time.
struct BenchLoad: Sendable {
    struct Call: Sendable {
        let url: String
        let token: String
        var body = "{}"
        var method = HTTPMethod.POST
    }

    let client: HTTPClient

    /// One call; nil where it was not answered with success.
    func time(_ call: Call) async -> Double? {
        let begin = ContinuousClock.now
        var request = HTTPClientRequest(url: call.url)
        request.method = call.method
        request.headers.add(name: "authorization", value: "Bearer \(call.token)")
        if call.method != .GET {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: call.body))
        }
        guard let response = try? await client.execute(request, timeout: .seconds(30)),
            (try? await response.body.collect(upTo: 1 << 20)) != nil,
            (200..<300).contains(response.status.code)
        else { return nil }
        let took = begin.duration(to: .now).components
        return Double(took.seconds) * 1_000 + Double(took.attoseconds) / 1e15
    }

    /// One after the other on each of `workers` connections.
    func closed(_ calls: [Call], workers: Int) async -> BenchTimes {
        let next = NextIndex()
        return await withTaskGroup(of: BenchTimes.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    var times = BenchTimes()
                    while true {
                        let index = next.take()
                        guard index < calls.count else { return times }
                        if let ms = await time(calls[index]) {
                            times.milliseconds.append(ms)
                        } else {
                            times.failures += 1
                        }
                    }
                }
            }
            return await Self.join(group)
        }
    }

    /// After so long without any answer those that are awaited count as failed.
    private static let patience: UInt64 = 30_000_000_000

    /// At a rate that does not wait for answers; a call's time begins when it was due, and ends when its answer is
    /// whole. One thread with plain sockets keeps the times, so that they are the service's and not those of a client.
    func open(_ calls: [Call], perSecond: Double) async -> BenchTimes {
        await Self.onItsThread { Self.open(calls.map(BenchRequest.init), perSecond) }
    }

    /// One caller, the next call when the one before is answered.
    func inTurn(_ calls: [Call]) async -> BenchTimes {
        await Self.onItsThread { Self.inTurn(calls.map(BenchRequest.init)) }
    }

    private static func onItsThread(_ work: @escaping @Sendable () -> BenchTimes) async -> BenchTimes {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: work()) }
        }
    }

    private static func inTurn(_ requests: [BenchRequest]) -> BenchTimes {
        var wire = BenchWire(most: 1)
        var times = BenchTimes()
        for (number, request) in requests.enumerated() {
            let begin = BenchWire.now()
            _ = wire.send(request, number: number)
            var answer: (number: Int, status: Int)?
            while answer == nil, BenchWire.now() < begin + patience {
                answer = wire.answers(until: begin + patience).first
            }
            times.note(answer?.status ?? 0, since: begin)
            if answer == nil { wire.close() }
        }
        wire.close()
        return times
    }

    private static func open(_ requests: [BenchRequest], _ perSecond: Double) -> BenchTimes {
        var wire = BenchWire(most: 512)
        var times = BenchTimes()
        let begin = BenchWire.now()
        func due(_ number: Int) -> UInt64 { begin + UInt64(Double(number) * 1e9 / perSecond) }
        var sent = 0
        var heard = begin
        while times.milliseconds.count + times.failures < requests.count {
            let now = BenchWire.now()
            while sent < requests.count, due(sent) <= now, wire.send(requests[sent], number: sent) {
                sent += 1
            }
            // A due call that finds no connection free waits for the next answer.
            let next = sent < requests.count ? max(due(sent), now + 100_000) : heard + patience
            for (number, status) in wire.answers(until: next) {
                times.note(status, since: due(number))
                heard = BenchWire.now()
            }
            if BenchWire.now() >= max(heard, due(max(0, sent - 1))) + patience {
                times.failures = requests.count - times.milliseconds.count
            }
        }
        wire.close()
        return times
    }

    private static func join(_ group: TaskGroup<BenchTimes>) async -> BenchTimes {
        var all = BenchTimes()
        for await times in group {
            all.milliseconds += times.milliseconds
            all.failures += times.failures
        }
        return all
    }
}

/// What processes use. Of memory it is the proportional share, so that pages which many share count once.
enum BenchUse {
    /// MiB of a process and of all that it has started.
    static func mebibytes(of root: Int32) -> (total: Double, processes: Int) {
        var children: [Int32: [Int32]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = Int32(name), let parent = parent(of: pid) else { continue }
            children[parent, default: []].append(pid)
        }
        var waiting = [root]
        var (total, processes) = (0.0, 0)
        while let pid = waiting.popLast() {
            total += share(of: pid)
            processes += 1
            waiting += children[pid] ?? []
        }
        return (total, processes)
    }

    /// Milliseconds of processor time that a process has used, without its children's.
    static func processorMilliseconds(of pid: Int32) -> Double {
        guard let stat = text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return .nan }
        let words = stat[stat.index(after: end)...].split(separator: " ")
        guard words.count > 12, let user = Double(words[11]), let system = Double(words[12]) else {
            return .nan
        }
        return (user + system) * 1_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func text(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.readToEnd() else {
            return nil
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func parent(of pid: Int32) -> Int32? {
        guard let stat = text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
        let words = stat[stat.index(after: end)...].split(separator: " ")
        return words.count > 1 ? Int32(words[1]) : nil
    }

    private static func share(of pid: Int32) -> Double {
        let line = text("/proc/\(pid)/smaps_rollup")?.split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return Double(line?.split(separator: " ")[1] ?? "0")! / 1_024
    }
}
