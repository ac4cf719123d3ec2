import Synchronization

/// A rate with a burst: holds up to `burst` tokens, gains `perSecond` a second. Time is monotonic.
struct TokenBucket: Sendable {
    struct Rate: Sendable, Hashable {
        let perSecond: Double
        let burst: Double
    }

    let rate: Rate
    private var tokens: Double
    private var last: ContinuousClock.Instant

    init(_ rate: Rate, now: ContinuousClock.Instant) {
        self.rate = rate
        tokens = rate.burst
        last = now
    }

    /// The whole tokens that are there now.
    func whole(now: ContinuousClock.Instant) -> Int {
        Int(min(rate.burst, tokens + max(0, last.duration(to: now).seconds) * rate.perSecond))
    }

    /// Takes `count` tokens, or says in how many seconds they are there.
    mutating func take(_ count: Double = 1, now: ContinuousClock.Instant) -> Double? {
        refill(now)
        if tokens >= count {
            tokens -= count
            return nil
        }
        return (count - tokens) / rate.perSecond
    }

    /// Takes `count` tokens in any case, into debt if need be, and says how long to wait until the debt is paid.
    mutating func borrow(_ count: Double, now: ContinuousClock.Instant) -> Double {
        refill(now)
        tokens -= count
        return tokens >= 0 ? 0 : -tokens / rate.perSecond
    }

    /// Nothing was taken for so long that it is full again: it can be forgotten.
    func isFull(now: ContinuousClock.Instant) -> Bool {
        tokens + last.duration(to: now).seconds * rate.perSecond >= rate.burst
    }

    private mutating func refill(_ now: ContinuousClock.Instant) {
        let elapsed = last.duration(to: now).seconds
        if elapsed > 0 {
            tokens = min(rate.burst, tokens + elapsed * rate.perSecond)
            last = now
        }
    }
}

/// Token buckets by name. A name's bucket is made at its first use and forgotten once it is full and many are held.
final class RateLimiter<Key: Hashable & Sendable>: Sendable {
    private let buckets = Mutex<[Key: TokenBucket]>([:])
    private let keptMax: Int

    init(keptMax: Int = 20_000) {
        self.keptMax = keptMax
    }

    /// Whether one was taken, or after how many seconds it can be tried again.
    enum Verdict: Sendable, Equatable {
        case taken
        case wait(seconds: Double)
    }

    func take(_ key: Key, _ rate: TokenBucket.Rate, now: ContinuousClock.Instant = .now) -> Verdict {
        buckets.withLock { buckets in
            if buckets.count > keptMax { buckets = buckets.filter { !$0.value.isFull(now: now) } }
            var bucket = buckets[key] ?? TokenBucket(rate, now: now)
            let wait = bucket.take(now: now)
            buckets[key] = bucket
            return wait.map(Verdict.wait) ?? .taken
        }
    }

    /// How many could be taken now.
    func left(_ key: Key, _ rate: TokenBucket.Rate, now: ContinuousClock.Instant = .now) -> Int {
        buckets.withLock { buckets in
            guard let bucket = buckets[key] else { return Int(rate.burst) }
            return bucket.whole(now: now)
        }
    }

    /// Borrows from the bucket and says how many seconds to wait before going on.
    func borrow(
        _ key: Key, _ rate: TokenBucket.Rate, _ count: Double, now: ContinuousClock.Instant = .now
    ) -> Double {
        buckets.withLock { buckets in
            var bucket = buckets[key] ?? TokenBucket(rate, now: now)
            let wait = bucket.borrow(count, now: now)
            buckets[key] = bucket
            return wait
        }
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
