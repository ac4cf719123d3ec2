import Marketplace
import Provenance
import Registry
import Testing

@Suite struct SubmissionTests {
    static let plugin = PluginID("acme.tool")!

    @Test func theTableOfStatesHasNoWayOutOfRevoked() {
        #expect(SubmissionState.revoked.successors.isEmpty)
        #expect(!SubmissionState.received.allows(.listed))
        for state in SubmissionState.allCases where state != .approved && state != .yanked {
            #expect(!state.allows(.listed), "\(state) must not become listed")
        }
        for state in SubmissionState.allCases { #expect(!state.defaultNextStep.isEmpty) }
    }

    @Test func theSameBytesAreANoOp() throws {
        let desk = try Desk()
        let (first, isNew) = try desk.registry.receive(
            bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let (again, isNewAgain) = try desk.registry.receive(
            bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(9))
        #expect(isNew && !isNewAgain)
        #expect(first == again)
        #expect(try desk.registry.transitions(of: digest("a")).count == 1)
    }

    @Test func theSameVersionWithOtherBytesIsAnError() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        let other = digest("other bytes")
        _ = try desk.registry.receive(bundle: other, byteCount: 1, publisher: Desk.acme, now: at(1))
        for version in ["1.0.0", "1.0.0+rebuilt"] {
            #expect {
                try desk.registry.checkIdentity(of: other, plugin: Self.plugin, version: Version(version)!)
            } throws: { ($0 as? RegistryError)?.code == .conflict }
        }
        try desk.registry.checkIdentity(of: other, plugin: Self.plugin, version: Version("1.0.1")!)
    }

    @Test func aPluginOfAnotherPublisherCannotBeClaimed() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        #expect {
            try desk.registry.checkIdentity(
                of: digest("a"), plugin: PluginID("veroforge.slack")!, version: Version("1.0.0")!)
        } throws: { ($0 as? RegistryError)?.code == .notAllowed }
    }

    @Test func everyStepIsRecordedWithReasonAndNextStep() throws {
        let desk = try Desk()
        let listed = try desk.list("acme.tool", "1.0.0", now: at(5))
        #expect(listed.state == .listed)
        let steps = try desk.registry.transitions(of: listed.id)
        #expect(steps.map(\.to) == [.received, .ingested, .unpacked, .scanned, .tried, .approved, .listed])
        #expect(steps.allSatisfy { $0.at == at(5) && !($0.reason.nextStep ?? "").isEmpty })
    }

    @Test func anIllegalMoveThrowsAndChangesNothing() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let lease = try desk.registry.lease(in: .received, owner: "w", now: at(0)).first!
        #expect {
            try desk.registry.advance(
                lease, to: .listed, reason: TransitionReason("x", "x"), actor: "w", now: at(1))
        } throws: { ($0 as? RegistryError)?.code == .illegalTransition }
        #expect(try desk.registry.submission(digest("a")).state == .received)
        #expect(try desk.registry.transitions(of: digest("a")).count == 1)
    }

    @Test func aFailedRecordLeavesTheStateAsItWas() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let lease = try desk.registry.lease(in: .received, owner: "w", now: at(0)).first!
        let foreign = StageRecord.identity(PluginID("else.tool")!, Version("1.0.0")!, manifest: .object([:]))
        #expect(throws: RegistryError.self) {
            try desk.registry.advance(
                lease, to: .ingested, reason: TransitionReason("x", "x"), records: [foreign], actor: "w",
                now: at(1))
        }
        let item = try desk.registry.submission(digest("a"))
        #expect(item.state == .received && item.plugin == nil)
    }

    @Test func aLeasedItemIsNobodyElsesUntilTheLeaseEnds() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let first = try desk.registry.lease(in: .received, owner: "one", now: at(0), durationMs: 10_000)
            .first!
        #expect(try desk.registry.lease(in: .received, owner: "two", now: at(9)).isEmpty)
        let second = try desk.registry.lease(in: .received, owner: "two", now: at(10)).first!
        #expect(second.token > first.token)
        // The first worker was only slow: it must not move the item any more.
        #expect {
            try desk.registry.advance(
                first, to: .ingested, reason: TransitionReason("x", "x"), actor: "one", now: at(11))
        } throws: { ($0 as? RegistryError)?.code == .leaseLost }
        try desk.registry.advance(
            second, to: .ingested, reason: TransitionReason("x", "x"), actor: "two", now: at(11))
    }

    @Test func aPoisonedItemBacksOffAndThenIsIncomplete() throws {
        let desk = try Desk()
        for name in ["bad", "good"] {
            _ = try desk.registry.receive(
                bundle: digest(name), byteCount: 1, publisher: Desk.acme, now: at(0))
        }
        var now = at(0)
        for attempt in 1...5 {
            let lease = try desk.registry.lease(in: .received, id: digest("bad"), owner: "w", now: now).first!
            let item = try desk.registry.fail(lease, error: "worker died", actor: "ingest", now: now)
            #expect(item.attempts == attempt)
            if attempt < 5 {
                #expect(item.state == .received)
                #expect(try desk.registry.candidates(in: .received, now: now).map(\.id) == [digest("good")])
            } else {
                #expect(item.state == .incomplete && item.resumeState == .received)
                #expect(item.reason.code == "stage-failed")
            }
            now = now.adding(milliseconds: BackOff().delayMs(afterAttempt: attempt))
        }
        #expect(try desk.registry.resumeIncomplete(actor: "operator", now: now).map(\.state) == [.received])
        #expect(try desk.registry.candidates(in: .received, now: now).count == 2)
    }

    @Test func backOffDoublesUpToItsGreatest() {
        let backOff = BackOff(firstDelayMs: 100, delayMsMax: 1_000)
        #expect([1, 2, 3, 4, 5, 90].map(backOff.delayMs) == [100, 200, 400, 800, 1_000, 1_000])
    }

    @Test func incompleteReturnsOnlyWhereItCameFrom() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let manifest = Desk.manifest("acme.tool", "1.0.0")
        try desk.step(
            digest("a"), .received, .ingested, [.identity(Self.plugin, Version("1.0.0")!, manifest: manifest)]
        )
        try desk.step(digest("a"), .ingested, .incomplete)
        #expect(try desk.registry.resume(digest("a"), actor: "operator", now: at(1)).state == .ingested)
        #expect(throws: RegistryError.self) {
            try desk.registry.resume(digest("a"), actor: "operator", now: at(1))
        }
    }

    @Test func aNewRunFreesWhatADeadOneHadLeased() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        let dead = try desk.registry.beginRun(of: "submission", now: at(0))
        #expect(try desk.registry.lease(in: .received, owner: dead.owner, now: at(0)).count == 1)
        let next = try desk.registry.beginRun(of: "submission", now: at(1))
        #expect(try desk.registry.lease(in: .received, owner: next.owner, now: at(1)).count == 1)
        #expect(try desk.registry.runs(of: "submission").map(\.outcome) == [nil, .interrupted])
        try desk.registry.endRun(next, exitCode: 0, items: 1, failed: 0, now: at(2))
        #expect(try desk.registry.runs(of: "submission").first?.outcome == .done)
    }

    @Test func theOldestItemsAgeIsKnown() throws {
        let desk = try Desk()
        #expect(try desk.registry.oldestItemAgeMs(now: at(0)) == nil)
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        #expect(try desk.registry.oldestItemAgeMs(now: at(60)) == 60_000)
    }

    @Test func aReviewerMovesAHeldSubmissionAndTwoAreNeededForFourEyes() throws {
        let desk = try Desk()
        let id = digest("a")
        _ = try desk.registry.receive(bundle: id, byteCount: 1, publisher: Desk.acme, now: at(0))
        let manifest = Desk.manifest("acme.tool", "1.0.0")
        try desk.step(
            id, .received, .ingested, [.identity(Self.plugin, Version("1.0.0")!, manifest: manifest)])
        try desk.step(id, .ingested, .unpacked)
        try desk.step(id, .unpacked, .scanned)
        try desk.step(id, .scanned, .tried)
        let hold = NewDecision(
            verdict: .hold, decidedBy: "policy", reason: "New permissions.", rules: ["new-permission"])
        try desk.step(
            id, .tried, .held, [.decision(hold), .review(risk: 70, dueAt: at(86_400), approvalsNeeded: 2)])
        #expect(try desk.registry.reviewQueue().map(\.id) == [id])
        func approve(_ who: String) throws -> SubmissionState {
            let decision = NewDecision(verdict: .approve, decidedBy: who, reason: "Read it.", rules: [])
            return try desk.registry.review(id, decision, now: at(10)).state
        }
        #expect(try approve("ada") == .held)
        #expect(try approve("ada") == .held, "the same person twice is one pair of eyes")
        #expect(try approve("grace") == .approved)
        #expect(try desk.registry.decisions(of: id).count == 4)
    }

    @Test func anAppealBringsARejectedSubmissionBeforeAPerson() throws {
        let desk = try Desk()
        let id = digest("a")
        _ = try desk.registry.receive(bundle: id, byteCount: 1, publisher: Desk.acme, now: at(0))
        let manifest = Desk.manifest("acme.tool", "1.0.0")
        try desk.step(
            id, .received, .ingested, [.identity(Self.plugin, Version("1.0.0")!, manifest: manifest)])
        try desk.step(id, .ingested, .rejected)
        #expect(throws: RegistryError.self) {
            try desk.registry.appeal(id, by: PublisherID("someone")!, text: "mine", dueAt: at(9), now: at(1))
        }
        let item = try desk.registry.appeal(
            id, by: Desk.acme, text: "It is a false alarm.", dueAt: at(9), now: at(1))
        #expect(item.state == .held && item.dueAt == at(9))
    }

    @Test func aSubmissionIsFoundByTheBeginningOfItsID() throws {
        let desk = try Desk()
        _ = try desk.registry.receive(bundle: digest("a"), byteCount: 1, publisher: Desk.acme, now: at(0))
        #expect(try desk.registry.submission(matching: String(digest("a").hex.prefix(10))).id == digest("a"))
        #expect(throws: RegistryError.self) { try desk.registry.submission(matching: "ffffffff") }
        #expect(throws: RegistryError.self) { try desk.registry.submission(matching: "ca9") }
    }
}
