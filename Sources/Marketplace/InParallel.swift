internal import Dispatch
internal import Synchronization

/// The results in the order of the items, made on both cores; of several errors that of the first item. Items are begun
/// in their order, and none after one has failed.
public func inParallel<Item: Sendable, T: Sendable, Failure: Error>(
    _ items: [Item], _ body: @Sendable (Item) throws(Failure) -> T
) throws(Failure) -> [T] {
    let results = Mutex<[Int: T]>([:])
    let failures = Mutex<[Int: Failure]>([:])
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(2, items.count)) { _ in
        while failures.withLock({ $0.isEmpty }) {
            let at = next.add(1, ordering: .relaxed).oldValue
            guard at < items.count else { break }
            do throws(Failure) {
                let result = try body(items[at])
                results.withLock { $0[at] = result }
            } catch {
                failures.withLock { $0[at] = error }
            }
        }
    }
    if let first = failures.withLock({ $0 }).min(by: { $0.key < $1.key }) { throw first.value }
    let found = results.withLock { $0 }
    return items.indices.map { found[$0]! }
}

/// Two things that have nothing to do with each other, each on a thread of its own; of two errors that of the first. Either
/// may use both cores once the other has ended.
@discardableResult
public func both<First: Sendable, Second: Sendable, Failure: Error>(
    _ first: @Sendable () throws(Failure) -> First, _ second: @Sendable () throws(Failure) -> Second
) throws(Failure) -> (First, Second) {
    let group = DispatchGroup()
    let made = Mutex<Result<Second, Failure>?>(nil)
    return try withoutActuallyEscaping(second) { (second) throws(Failure) in
        DispatchQueue.global().async(group: group) {
            let result = Result { () throws(Failure) in try second() }
            made.withLock { $0 = result }
        }
        let result = Result { () throws(Failure) in try first() }
        group.wait()
        let other = made.withLock { $0! }
        return (try result.get(), try other.get())
    }
}

/// Stretches of at most so many items: pieces of work that are worth a thread's while.
public func stretches(of count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
}

extension Array {
    /// The parts behind each other, copied part by part: `joined` goes by single elements.
    public func together<Part>() -> [Part] where Element == [Part] {
        var whole: [Part] = []
        whole.reserveCapacity(reduce(0) { $0 + $1.count })
        for part in self { whole += part }
        return whole
    }
}
