import Glibc
import Marketplace
import Synchronization

/// Shares the processors between tenants. A bounded number of calls compute at one time, fewer of one tenant, and those
/// that wait are taken tenant by tenant: so a tenant's burst, within its rate, queues before its own plugins and not
/// before the processors that its neighbours need.
///
/// A call that waits for an application or a vendor holds no turn, and a turn that lasts longer than a slice counts no
/// more: long computations are the kernel's to share, and nobody waits behind them.
final class ProcessorTurns: Sendable {
    struct Limits: Sendable {
        /// Turns at one time.
        var turnsMax: Int
        /// Turns of one tenant at one time, while others call as well.
        var tenantTurnsMax: Int
        /// Turns of a tenant that is the only one to call.
        var onlyTenantTurnsMax: Int
        /// How long a turn counts.
        var slice = Duration.milliseconds(20)

        /// Two turns a processor, so that none stands still while a turn passes on. The only tenant may take as many as
        /// there are processors; one beside others half of that, so that theirs are free.
        static func of(processors: Int) -> Limits {
            Limits(
                turnsMax: 2 * processors, tenantTurnsMax: max(1, processors / 2),
                onlyTenantTurnsMax: processors)
        }

        static let ofThisMachine = of(processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    private struct Waiter {
        let turn: Turn
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var holders: [ObjectIdentifier: (tenant: TenantID, since: ContinuousClock.Instant)] = [:]
        var heldBy: [TenantID: Int] = [:]
        var queues: [TenantID: [Waiter]] = [:]
        /// Tenants with a queue, the next one to be served first.
        var order: [TenantID] = []
        var isTicking = false
        /// The tenant that called last, and the last one before it that was another.
        var latest: (tenant: TenantID, at: ContinuousClock.Instant)?
        var before: (tenant: TenantID, at: ContinuousClock.Instant)?

        mutating func note(_ tenant: TenantID) {
            if let latest, latest.tenant != tenant { before = latest }
            latest = (tenant, .now)
        }

        /// Whether nobody else has called for a while.
        func isAlone(_ tenant: TenantID) -> Bool {
            guard let other = latest?.tenant == tenant ? before : latest else { return true }
            return other.at.duration(to: .now) > ProcessorTurns.quiet
        }
    }

    private let limits: Limits
    private let state = Mutex(State())
    private static let tick = Duration.milliseconds(5)
    /// After so long without a call of others a tenant is the only one.
    private static let quiet = Duration.milliseconds(50)

    init(_ limits: Limits = .ofThisMachine) { self.limits = limits }

    /// How many calls wait for a turn.
    var waiting: Int { state.withLock { $0.queues.values.reduce(0) { $0 + $1.count } } }

    /// Waits for a turn.
    fileprivate func take(_ turn: Turn) async {
        let isFree = state.withLock { state in
            state.note(turn.tenant)
            return hold(turn, &state)
        }
        if isFree { return }
        await withCheckedContinuation { continuation in
            let (isFree, mustTick) = state.withLock { state -> (Bool, Bool) in
                // A turn may have come free between the look and now.
                if hold(turn, &state) { return (true, false) }
                if state.queues[turn.tenant] == nil { state.order.append(turn.tenant) }
                state.queues[turn.tenant, default: []].append(Waiter(turn: turn, continuation: continuation))
                defer { state.isTicking = true }
                return (false, !state.isTicking)
            }
            if isFree { continuation.resume() }
            if mustTick { Task { await self.expire() } }
        }
    }

    fileprivate func give(back turn: Turn) {
        let next = state.withLock { state -> [Waiter] in
            release(ObjectIdentifier(turn), &state)
            return admit(&state)
        }
        for waiter in next { waiter.continuation.resume() }
    }

    /// While somebody waits: turns that have lasted longer than a slice count no more.
    private func expire() async {
        while true {
            try? await Task.sleep(for: Self.tick)
            let (next, goesOn) = state.withLock { state -> ([Waiter], Bool) in
                let border = ContinuousClock.now - limits.slice
                for (holder, entry) in state.holders where entry.since < border { release(holder, &state) }
                let next = admit(&state)
                state.isTicking = !state.order.isEmpty
                return (next, state.isTicking)
            }
            for waiter in next { waiter.continuation.resume() }
            if !goesOn { return }
        }
    }

    private func fits(_ tenant: TenantID, _ state: State) -> Bool {
        state.holders.count < limits.turnsMax
            && state.heldBy[tenant] ?? 0
                < (state.isAlone(tenant) ? limits.onlyTenantTurnsMax : limits.tenantTurnsMax)
    }

    /// Gives a turn where one is free and nobody of the tenant's waits for it.
    private func hold(_ turn: Turn, _ state: inout State) -> Bool {
        guard state.queues[turn.tenant] == nil, fits(turn.tenant, state) else { return false }
        begin(turn, &state)
        return true
    }

    private func begin(_ turn: Turn, _ state: inout State) {
        guard state.holders[ObjectIdentifier(turn)] == nil else { return }
        state.holders[ObjectIdentifier(turn)] = (turn.tenant, .now)
        state.heldBy[turn.tenant, default: 0] += 1
    }

    private func release(_ holder: ObjectIdentifier, _ state: inout State) {
        guard let entry = state.holders.removeValue(forKey: holder) else { return }
        state.heldBy[entry.tenant, default: 1] -= 1
        if state.heldBy[entry.tenant] == 0 { state.heldBy[entry.tenant] = nil }
    }

    private func admit(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let index = state.order.firstIndex(where: { fits($0, state) }) {
            let tenant = state.order.remove(at: index)
            let waiter = state.queues[tenant]!.removeFirst()
            begin(waiter.turn, &state)
            if state.queues[tenant]!.isEmpty {
                state.queues[tenant] = nil
            } else {
                state.order.append(tenant)
            }
            admitted.append(waiter)
        }
        return admitted
    }
}

/// One call's turn at the processors: taken before it computes, given back while it waits for others.
final class Turn: Sendable {
    let tenant: TenantID
    private let turns: ProcessorTurns
    private let state = Mutex(State())

    private struct State {
        /// Operations that others are carrying out for the call.
        var away = 0
        var isEnded = false
    }

    init(_ tenant: TenantID, _ turns: ProcessorTurns) {
        self.tenant = tenant
        self.turns = turns
    }

    func begin() async { await turns.take(self) }

    func end() {
        state.withLock { $0.isEnded = true }
        turns.give(back: self)
    }

    /// Others begin to do something for the call: it computes no more, as far as can be seen from here.
    func leave() {
        state.withLock { $0.away += 1 }
        turns.give(back: self)
    }

    /// They have done it. Once nothing is under way any more the call goes on with a turn.
    func comeBack() async {
        let goesOn = state.withLock { state in
            state.away -= 1
            return state.away == 0 && !state.isEnded
        }
        guard goesOn else { return }
        await turns.take(self)
        // A call that was ended meanwhile has no use for it.
        if state.withLock({ $0.isEnded }) { turns.give(back: self) }
    }
}
