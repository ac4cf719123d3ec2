import Marketplace
import Testing

@testable import PluginRuntime

/// How the processors are shared between tenants.
@Suite struct TurnTests {
    private static func turns(
        _ most: Int, ofTenant: Int, ofOnlyTenant: Int? = nil, slice: Duration = .seconds(60)
    ) -> ProcessorTurns {
        ProcessorTurns(
            ProcessorTurns.Limits(
                turnsMax: most, tenantTurnsMax: ofTenant, onlyTenantTurnsMax: ofOnlyTenant ?? ofTenant,
                slice: slice))
    }

    /// Begins a turn elsewhere and notes it.
    private static func begin(_ turn: Turn, _ log: Locked<[String]>, _ name: String) -> Task<Void, Never> {
        Task {
            await turn.begin()
            log.change { $0.append(name) }
        }
    }

    private static func waits(_ turns: ProcessorTurns, _ count: Int) async {
        while turns.waiting != count { await Task.yield() }
    }

    @Test func aTenantsBurstQueuesBehindItselfAndNotBeforeOthers() async {
        let turns = Self.turns(3, ofTenant: 2)
        let (first, second, third) = (Turn(acme, turns), Turn(acme, turns), Turn(acme, turns))
        await first.begin()
        await second.begin()
        let log = Locked<[String]>([])
        let later = Self.begin(third, log, "third")
        await Self.waits(turns, 1)
        let other = Turn(rival, turns)
        await other.begin()
        #expect(log.value.isEmpty)
        first.end()
        await later.value
        #expect(log.value == ["third"])
        for turn in [second, third, other] { turn.end() }
        #expect(turns.waiting == 0)
    }

    @Test func aTenantBesideOthersTakesFewerTurnsThanTheOnlyOne() async {
        let turns = Self.turns(4, ofTenant: 1, ofOnlyTenant: 2)
        let (first, second) = (Turn(acme, turns), Turn(acme, turns))
        await first.begin()
        await second.begin()
        first.end()
        second.end()
        let other = Turn(rival, turns)
        await other.begin()
        other.end()
        let third = Turn(acme, turns)
        await third.begin()
        let log = Locked<[String]>([])
        let later = Self.begin(Turn(acme, turns), log, "later")
        await Self.waits(turns, 1)
        #expect(log.value.isEmpty)
        third.end()
        await later.value
    }

    @Test func tenantsAreServedInTurn() async {
        let turns = Self.turns(1, ofTenant: 1)
        let holder = Turn(acme, turns)
        await holder.begin()
        let log = Locked<[String]>([])
        var tasks: [Task<Void, Never>] = []
        for (index, tenant) in [acme, acme, acme, rival].enumerated() {
            let turn = Turn(tenant, turns)
            tasks.append(
                Task {
                    await turn.begin()
                    log.change { $0.append("\(tenant)") }
                    turn.end()
                })
            await Self.waits(turns, index + 1)
        }
        holder.end()
        for task in tasks { await task.value }
        #expect(log.value == ["acme", "rival", "acme", "acme"])
    }

    @Test func aCallThatWaitsForOthersHoldsNoTurn() async {
        let turns = Self.turns(1, ofTenant: 1)
        let (first, second) = (Turn(acme, turns), Turn(acme, turns))
        await first.begin()
        // Two operations at one time: it goes on once both have come back.
        first.leave()
        first.leave()
        await second.begin()
        await first.comeBack()
        #expect(turns.waiting == 0)
        let log = Locked<[String]>([])
        let back = Task {
            await first.comeBack()
            log.change { $0.append("back") }
        }
        await Self.waits(turns, 1)
        #expect(log.value.isEmpty)
        second.end()
        await back.value
        first.end()
        // An answer that comes after the end of the call takes nothing.
        first.leave()
        await first.comeBack()
        await second.begin()
        second.end()
    }

    @Test func aTurnThatLastsTooLongCountsNoMore() async {
        let turns = Self.turns(1, ofTenant: 1, slice: .milliseconds(10))
        let (long, short) = (Turn(acme, turns), Turn(rival, turns))
        await long.begin()
        let begin = ContinuousClock.now
        await short.begin()
        #expect(begin.duration(to: .now) >= .milliseconds(10))
        // Its end frees nothing that it does not hold.
        long.end()
        short.end()
        let (next, after) = (Turn(acme, turns), Turn(rival, turns))
        await next.begin()
        next.end()
        await after.begin()
        after.end()
    }
}
