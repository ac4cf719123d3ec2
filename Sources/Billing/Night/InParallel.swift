internal import Dispatch
internal import Synchronization

/// The results in the order of the items, made on both cores; of several errors that of the first item.
func inParallel<Item: Sendable, T: Sendable>(
    _ items: [Item], _ body: @Sendable (Item) throws(BillingError) -> T
) throws(BillingError) -> [T] {
    let results = Mutex<[Int: Result<T, BillingError>]>([:])
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(2, items.count)) { _ in
        while true {
            let at = next.add(1, ordering: .relaxed).oldValue
            guard at < items.count else { break }
            let result: Result<T, BillingError>
            do throws(BillingError) {
                result = .success(try body(items[at]))
            } catch {
                result = .failure(error)
            }
            results.withLock { $0[at] = result }
        }
    }
    let found = results.withLock { $0 }
    var out: [T] = []
    out.reserveCapacity(items.count)
    for index in items.indices { out.append(try found[index]!.get()) }
    return out
}

/// Two things that have nothing to do with each other, each on a core of its own.
func both(
    _ first: @Sendable () throws(BillingError) -> Void, _ second: @Sendable () throws(BillingError) -> Void
) throws(BillingError) {
    _ = try inParallel([true, false]) { (isFirst) throws(BillingError) in
        if isFirst { try first() } else { try second() }
    }
}

/// Stretches of at most so many items: pieces of work that are worth a thread's while.
func stretches(of count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
}
