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
