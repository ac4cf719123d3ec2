import Frames
import Testing

private let budget = CallBudget(cpuNanoseconds: 1, wallNanoseconds: 1, operations: 3)
private let bounds = RunnerBounds(
    memoryBytes: 1, tempBytes: 1, outputBytes: 1, logBytes: 1, logLineBytes: 1, waiting: 1)

@Suite struct HostSessionContract {
    /// A session whose first call (the start) is under way.
    private func calling(limits: FrameLimits = FrameLimits()) throws -> HostSession {
        var session = HostSession(limits: limits)
        _ = try session.send(.hello(1...1))
        _ = try session.receive(RunnerMessage.hello(version: 1, engine: "e").frame)
        _ = try session.send(.start(id: 1, budget, bounds, json: []))
        return session
    }

    @Test func aConversationRunsThrough() throws {
        var session = try calling()
        _ = try session.receive(RunnerMessage.result(id: 1, .success, payload: []).frame)
        #expect(session.state == .idle)
        _ = try session.send(.execute(id: 2, budget, json: []))
        _ = try session.receive(RunnerMessage.apiRequest(id: 1, name: "readData", json: []).frame)
        _ = try session.send(.apiResponse(id: 1, succeeded: true, json: []))
        _ = try session.receive(RunnerMessage.result(id: 2, .failure, payload: []).frame)
        #expect(session.state == .idle)
    }

    @Test func aVersionThatWasNotOfferedIsRefused() throws {
        var session = HostSession(limits: FrameLimits())
        _ = try session.send(.hello(1...1))
        #expect(throws: FrameError(.version, "version 2")) {
            try session.receive(RunnerMessage.hello(version: 2, engine: "").frame)
        }
    }

    @Test func nothingIsBelievedBeforeACall() throws {
        var session = HostSession(limits: FrameLimits())
        _ = try session.send(.hello(1...1))
        for message in [
            RunnerMessage.result(id: 0, .success, payload: []), .log(.info, text: ""),
            .apiRequest(id: 1, name: "x", json: []),
        ] {
            #expect(throws: FrameError.self) { try session.receive(message.frame) }
        }
    }

    @Test func anAnswerToAnotherCallIsRefused() throws {
        var session = try calling()
        #expect(throws: FrameError(.unknownID, "result of call 2")) {
            try session.receive(RunnerMessage.result(id: 2, .success, payload: []).frame)
        }
    }

    @Test func aRequestIdIsNeverUsedTwice() throws {
        var session = try calling()
        _ = try session.receive(RunnerMessage.apiRequest(id: 5, name: "a", json: []).frame)
        #expect(throws: FrameError(.duplicateID, "request 5 after 5")) {
            try session.receive(RunnerMessage.apiRequest(id: 5, name: "a", json: []).frame)
        }
    }

    @Test func operationsAreCountedByTheHostItself() throws {
        var session = try calling()
        for id in 1...3 {
            _ = try session.receive(RunnerMessage.apiRequest(id: UInt32(id), name: "a", json: []).frame)
        }
        #expect(throws: FrameError(.tooManyOperations, "4")) {
            try session.receive(RunnerMessage.apiRequest(id: 4, name: "a", json: []).frame)
        }
    }

    @Test func requestsThatWaitAreBounded() throws {
        var session = try calling(limits: FrameLimits(waitingMax: 1))
        _ = try session.receive(RunnerMessage.apiRequest(id: 1, name: "a", json: []).frame)
        #expect(throws: FrameError(.tooManyWaiting, "1")) {
            try session.receive(RunnerMessage.apiRequest(id: 2, name: "a", json: []).frame)
        }
    }

    @Test func aLogThatGoesOnIsRefused() throws {
        var session = try calling(limits: FrameLimits(logBytesMax: 100))
        #expect(throws: FrameError.self) {
            for _ in 0..<1000 { _ = try session.receive(RunnerMessage.log(.info, text: "0123456789").frame) }
        }
    }

    @Test func aHostAnswersOnlyWhatWasAsked() throws {
        var session = try calling()
        #expect(throws: FrameError(.unknownID, "no request 9 waits")) {
            try session.send(.apiResponse(id: 9, succeeded: true, json: []))
        }
    }

    @Test func aFailedStartEndsTheConversation() throws {
        var session = try calling()
        _ = try session.receive(RunnerMessage.result(id: 1, .failure, payload: []).frame)
        #expect(session.state == .ended)
    }
}

@Suite struct RunnerSessionContract {
    @Test func versionsAreAgreedOrRefused() throws {
        var session = RunnerSession(limits: FrameLimits())
        _ = try session.receive(HostMessage.hello(1...9).frame)
        #expect(session.version == 1)
        var other = RunnerSession(limits: FrameLimits())
        #expect(throws: FrameError.self) { try other.receive(HostMessage.hello(2...9).frame) }
    }

    @Test func anAnswerThatCrossedTheResultIsDropped() throws {
        var session = RunnerSession(limits: FrameLimits())
        _ = try session.receive(HostMessage.hello(1...1).frame)
        _ = try session.receive(HostMessage.start(id: 1, budget, bounds, json: []).frame)
        _ = try session.send(.apiRequest(id: 1, name: "a", json: []))
        _ = try session.send(.result(id: 1, .success, payload: []))
        #expect(try session.receive(HostMessage.apiResponse(id: 1, succeeded: true, json: []).frame) == nil)
        #expect(throws: FrameError.self) {
            try session.receive(HostMessage.apiResponse(id: 2, succeeded: true, json: []).frame)
        }
    }

    @Test func aFileIsTakenOnce() throws {
        var session = RunnerSession(limits: FrameLimits())
        _ = try session.receive(HostMessage.hello(1...1).frame)
        _ = try session.receive(HostMessage.file(path: "a", bytes: []).frame)
        #expect(throws: FrameError.self) { try session.receive(HostMessage.file(path: "a", bytes: []).frame) }
    }
}
