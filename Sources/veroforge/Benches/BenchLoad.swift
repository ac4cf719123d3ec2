import AsyncHTTPClient
import Foundation
import Marketplace
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

    /// At a rate that does not wait for answers; a call's time begins when it was due. The times are kept by a thread of
    /// its own, so that they are the service's and not those of a busy task.
    func open(_ calls: [Call], perSecond: Double) async -> BenchTimes {
        await withCheckedContinuation { continuation in
            let load = OpenLoad(client, calls, perSecond) { continuation.resume(returning: $0) }
            Thread.detachNewThread { load.send() }
        }
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

/// Calls that are sent when they are due, whatever has become of those before.
private final class OpenLoad: Sendable {
    private let client: HTTPClient
    private let calls: [BenchLoad.Call]
    private let nanosecondsBetween: Double
    private let whenDone: @Sendable (BenchTimes) -> Void
    private let times = Mutex(BenchTimes())

    init(
        _ client: HTTPClient, _ calls: [BenchLoad.Call], _ perSecond: Double,
        _ whenDone: @escaping @Sendable (BenchTimes) -> Void
    ) {
        self.client = client
        self.calls = calls
        nanosecondsBetween = 1e9 / perSecond
        self.whenDone = whenDone
    }

    func send() {
        let requests = calls.map(Self.request)
        let begin = Self.now()
        for (index, request) in requests.enumerated() {
            let due = begin + UInt64(Double(index) * nanosecondsBetween)
            Self.sleep(until: due)
            guard let request else {
                note(nil)
                continue
            }
            client.execute(request: request, deadline: .now() + .seconds(30)).whenComplete { [self] result in
                let took = Double(Self.now() - due) / 1e6
                guard case .success(let response) = result, (200..<300).contains(response.status.code) else {
                    return note(nil)
                }
                note(took)
            }
        }
    }

    private func note(_ milliseconds: Double?) {
        let all = times.withLock { times -> BenchTimes? in
            if let milliseconds { times.milliseconds.append(milliseconds) } else { times.failures += 1 }
            return times.milliseconds.count + times.failures == calls.count ? times : nil
        }
        if let all { whenDone(all) }
    }

    private static func request(_ call: BenchLoad.Call) -> HTTPClient.Request? {
        var headers: HTTPHeaders = ["authorization": "Bearer \(call.token)"]
        var body: HTTPClient.Body?
        if call.method != .GET {
            headers.add(name: "content-type", value: "application/json")
            body = .byteBuffer(ByteBuffer(string: call.body))
        }
        return try? HTTPClient.Request(url: call.url, method: call.method, headers: headers, body: body)
    }

    /// Nanoseconds.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func sleep(until due: UInt64) {
        var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}

/// What processes hold in memory: the proportional share, so that pages which many share count once.
enum BenchMemory {
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
