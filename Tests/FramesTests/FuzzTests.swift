import Frames
import TestSupport
import Testing

/// A small generator whose sequence follows from its seed.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct FrameFuzz {
    /// Seeds of one run: a tenth in `make test`, all in `make test-full`.
    static let rounds = Rounds.count(full: 20_000)

    @Test func hostHoldsItsBoundsAgainstAnyBytes() {
        var random = Seeded(state: 1)
        for round in 0..<Self.rounds {
            var limits = FrameLimits(
                outputBytesMax: 256, requestBytesMax: 256, logLineBytesMax: 64, logBytesMax: 512)
            limits.waitingMax = 4
            var session = HostSession(limits: limits)
            var decoder = FrameDecoder(from: .runner, limits: limits)
            _ = try? session.send(.hello(1...1))
            var greeted = false
            for _ in 0..<40 {
                decoder.append(FrameFuzz.piece(&random, greeted: greeted, round: round))
                do {
                    while let frame = try decoder.next() {
                        _ = try session.receive(frame)
                        if case .filling = session.state { greeted = true }
                        if greeted { FrameFuzz.advance(&session) }
                    }
                } catch { break }
                #expect(session.waitingCount <= 4)
                #expect(session.operationCount <= 4)
                #expect(decoder.heldBytes <= 256 + 512 + Frame.headBytes)
            }
        }
    }

    @Test func runnerNeverTrapsOnAnyBytes() {
        var random = Seeded(state: 2)
        for _ in 0..<Self.rounds {
            var session = RunnerSession(limits: FrameLimits())
            var decoder = FrameDecoder(from: .host, limits: FrameLimits())
            for _ in 0..<20 {
                let kind = UInt8.random(in: 0...8, using: &random)
                var bytes: [UInt8] = [0, 0, 0, UInt8.random(in: 0...80, using: &random), kind]
                bytes += (0..<90).map { _ in UInt8.random(in: 0...255, using: &random) }
                decoder.append(bytes)
                do { while let frame = try decoder.next() { _ = try session.receive(frame) } } catch { break }
            }
        }
    }

    private static func advance(_ session: inout HostSession) {
        let budget = CallBudget(cpuNanoseconds: 1, wallNanoseconds: 1, operations: 3)
        let bounds = RunnerBounds(
            memoryBytes: 1, tempBytes: 1, outputBytes: 1, logBytes: 1, logLineBytes: 1, waiting: 1)
        switch session.state {
        case .filling: _ = try? session.send(.start(id: session.nextCall, budget, bounds, json: []))
        case .idle: _ = try? session.send(.execute(id: session.nextCall, budget, json: []))
        default: break
        }
    }

    /// A plausible frame, damaged now and then.
    private static func piece(_ random: inout Seeded, greeted: Bool, round: Int) -> [UInt8] {
        let id = UInt32.random(in: 0...4, using: &random)
        let messages: [RunnerMessage] = [
            .hello(version: 1, engine: "q"), .apiRequest(id: id, name: "readData", json: [123, 125]),
            .log(.info, text: String(repeating: "x", count: Int.random(in: 0...80, using: &random))),
            .usage(id: id, CallUsage(cpuNanoseconds: 0, heapBytes: 0, heapPeakBytes: 0, tempBytes: 0)),
            .result(
                id: id, .success,
                payload: [UInt8](repeating: 49, count: Int.random(in: 0...300, using: &random))),
        ]
        var bytes = (greeted ? messages.randomElement(using: &random)! : messages[0]).frame.bytes
        if round % 3 == 0, Int.random(in: 0..<4, using: &random) == 0 {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
        if round % 5 == 0, Int.random(in: 0..<8, using: &random) == 0 { bytes.removeLast() }
        return bytes
    }
}
