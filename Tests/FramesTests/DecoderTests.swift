import Frames
import Testing

@Suite struct FrameDecoderContract {
    private let limits = FrameLimits()

    @Test(arguments: [1, 2, 3, 7, 1000]) func aFrameCutAnywhereComesOutWhole(step: Int) throws {
        let messages: [RunnerMessage] = [
            .hello(version: 1, engine: "e"), .log(.warn, text: "çé"),
            .apiRequest(id: 7, name: "readData", json: [1]),
            .usage(id: 1, CallUsage(cpuNanoseconds: 1, heapBytes: 2, heapPeakBytes: 3, tempBytes: 4)),
            .result(id: 1, .limit, payload: Array("cpu".utf8)),
        ]
        let bytes = messages.flatMap { $0.frame.bytes }
        var decoder = FrameDecoder(from: .runner, limits: limits)
        var read: [RunnerMessage] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            decoder.append(Array(bytes[start..<min(start + step, bytes.count)]))
            while let frame = try decoder.next() { read.append(try RunnerMessage(frame)) }
        }
        #expect(read == messages)
        #expect(decoder.heldBytes == 0)
    }

    @Test func aLengthOverTheKindsLimitIsRefusedBeforeItsPayloadArrives() {
        var decoder = FrameDecoder(from: .runner, limits: FrameLimits(outputBytesMax: 100))
        decoder.append([0, 1, 0, 0, FrameKind.result.rawValue, 0, 0, 0, 1])
        #expect(throws: FrameError(.tooLong, "result of 65536 bytes")) { try decoder.next() }
    }

    @Test func aFrameOfTheWrongSideIsRefused() {
        var decoder = FrameDecoder(from: .runner, limits: limits)
        decoder.append(HostMessage.hello(1...1).frame.bytes)
        #expect(throws: FrameError.self) { try decoder.next() }
    }

    @Test func everyMessageSurvivesItsBytes() throws {
        let budget = CallBudget(cpuNanoseconds: .max, wallNanoseconds: 1, operations: 2)
        let bounds = RunnerBounds(
            memoryBytes: 1, tempBytes: 2, outputBytes: 3, logBytes: 4, logLineBytes: 5, waiting: 6,
            fixedClock: -1,
            seed: .max)
        let all: [HostMessage] = [
            .hello(1...3), .file(path: "dist/a.js", bytes: [1, 2]),
            .start(id: 1, budget, bounds, json: [123, 125]),
            .initialize(id: 2, budget), .execute(id: 3, budget, json: [34, 34]), .cleanup(id: 4, budget),
            .apiResponse(id: 9, succeeded: false, json: [110]),
        ]
        for message in all { #expect(try HostMessage(message.frame) == message) }
    }

    @Test func textThatIsNotUTF8IsRefused() {
        let frame = Frame(.log, payload: [1, 0xff])
        #expect(throws: FrameError(.malformed, "text that is not UTF-8")) { try RunnerMessage(frame) }
    }
}
