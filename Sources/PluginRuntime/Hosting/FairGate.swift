import Marketplace
import Synchronization

/// Lets a bounded number of calls run at a time. Those that wait are taken tenant by tenant in turn, so a tenant with
/// a long queue delays its own calls and no others.
final class FairGate: Sendable {
    struct Limits: Sendable {
        /// Calls that run at one time.
        var runningMax = 256
        /// Calls of one tenant that run at one time.
        var tenantRunningMax = 64
        /// Calls of one tenant that wait.
        var tenantWaitingMax = 512
        /// Calls that wait in all.
        var waitingMax = 4_096
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running = 0
        var runningOf: [TenantID: Int] = [:]
        var waiting = 0
        var queues: [TenantID: [Waiter]] = [:]
        /// Tenants with a queue, the next one to be served first.
        var turn: [TenantID] = []
        var cancelled: Set<UInt64> = []
        var nextID: UInt64 = 0
    }

    private let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many run and wait now.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting) } }

    /// Waits for the caller's turn.
    ///
    /// - Throws: `rate-limited` when the tenant has too many waiting, `busy` when all together have, or when the
    ///   caller went away.
    func enter(_ tenant: TenantID) async throws(RuntimeError) {
        enum Entry {
            case runs
            case waits(UInt64)
            case tenantFull, full
        }
        let entry = state.withLock { state -> Entry in
            if mayRun(tenant, state), state.queues[tenant] == nil {
                begin(tenant, &state)
                return .runs
            }
            if state.queues[tenant]?.count ?? 0 >= limits.tenantWaitingMax { return .tenantFull }
            if state.waiting >= limits.waitingMax { return .full }
            state.nextID += 1
            return .waits(state.nextID)
        }
        switch entry {
        case .runs: return
        case .tenantFull:
            throw RuntimeError(.rateLimited, tenant.text, "too many calls are waiting", retryAfterSeconds: 1)
        case .full: throw RuntimeError(.busy, "runtime", "too many calls are waiting", retryAfterSeconds: 2)
        case .waits(let id):
            let admitted = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in wait(tenant, id, continuation) }
            } onCancel: {
                cancel(tenant, id)
            }
            if !admitted { throw RuntimeError(.busy, "call", "the caller went away") }
        }
    }

    /// Ends a call's turn.
    func leave(_ tenant: TenantID) {
        let next = state.withLock { state -> [Waiter] in
            state.running -= 1
            state.runningOf[tenant, default: 1] -= 1
            if state.runningOf[tenant] == 0 { state.runningOf[tenant] = nil }
            return admitWaiting(&state)
        }
        for waiter in next { waiter.continuation.resume(returning: true) }
    }

    private func wait(_ tenant: TenantID, _ id: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
        enum Step { case parked, goes, gone }
        let step = state.withLock { state -> Step in
            if state.cancelled.remove(id) != nil { return .gone }
            // A place may have come free between the look and now.
            if mayRun(tenant, state), state.queues[tenant] == nil {
                begin(tenant, &state)
                return .goes
            }
            if state.queues[tenant] == nil { state.turn.append(tenant) }
            state.queues[tenant, default: []].append(Waiter(id: id, continuation: continuation))
            state.waiting += 1
            return .parked
        }
        switch step {
        case .parked: break
        case .goes: continuation.resume(returning: true)
        case .gone: continuation.resume(returning: false)
        }
    }

    private func cancel(_ tenant: TenantID, _ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.queues[tenant]?.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                if state.cancelled.count > 10_000 { state.cancelled.removeAll() }
                return nil
            }
            let waiter = state.queues[tenant]!.remove(at: index)
            state.waiting -= 1
            if state.queues[tenant]!.isEmpty { forget(tenant, &state) }
            return waiter
        }
        waiter?.continuation.resume(returning: false)
    }

    private func mayRun(_ tenant: TenantID, _ state: State) -> Bool {
        state.running < limits.runningMax && state.runningOf[tenant] ?? 0 < limits.tenantRunningMax
    }

    private func begin(_ tenant: TenantID, _ state: inout State) {
        state.running += 1
        state.runningOf[tenant, default: 0] += 1
    }

    private func forget(_ tenant: TenantID, _ state: inout State) {
        state.queues[tenant] = nil
        state.turn.removeAll { $0 == tenant }
    }

    private func admitWaiting(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let index = state.turn.firstIndex(where: { mayRun($0, state) }) {
            let tenant = state.turn.remove(at: index)
            let waiter = state.queues[tenant]!.removeFirst()
            state.waiting -= 1
            begin(tenant, &state)
            if state.queues[tenant]!.isEmpty {
                state.queues[tenant] = nil
            } else {
                state.turn.append(tenant)
            }
            admitted.append(waiter)
        }
        return admitted
    }
}
