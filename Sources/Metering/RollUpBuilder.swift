internal import Dispatch
internal import Marketplace
internal import Synchronization

extension RollUpResult {
    /// Brings the threads' tallies together over one set of names.
    struct Builder {
        private var tenants = Interner()
        private var plugins = Interner()
        private var plans = Interner()
        private var count = Tally.Count()
        private var quarantined: [(place: Tally.Place, why: String)] = []
        private var amounts: [AmountEvent] = []
        private var subscriptions: [SubscriptionEvent] = []

        /// A thread's numbers of names to those of all threads.
        private typealias Maps = (tenants: [UInt32], plugins: [UInt32], plans: [UInt32])

        /// Everything of a tally but its sums.
        private mutating func take(_ tally: Tally) -> Maps {
            count.add(tally.count)
            quarantined += tally.quarantined
            amounts += tally.amounts
            subscriptions += tally.subscriptions
            return (
                Builder.map(tally.names.tenants, into: &tenants),
                Builder.map(tally.names.plugins, into: &plugins),
                Builder.map(tally.names.plans, into: &plans)
            )
        }

        private static func map(_ from: Interner, into: inout Interner) -> [UInt32] {
            (0..<from.count).map { into.intern(from.text(UInt32($0))).index }
        }

        /// nil where a sum left 64 bits, or there are too many names.
        mutating func finish(_ tallies: [Tally], files: [SegmentPieces]) -> RollUpResult? {
            let maps = tallies.map { take($0) }
            let names = Names(tenants, plugins, plans)
            let sorted = Mutex<[SortedSums?]>(Array(repeating: nil, count: tallies.count))
            let ranked = maps.map { names.ranks(of: $0) }
            DispatchQueue.concurrentPerform(iterations: tallies.count) { index in
                let sums = SortedSums(tallies[index].groups) { parts in ranked[index].key(parts) }
                sorted.withLock { $0[index] = sums }
            }
            var all: SortedSums? = SortedSums()
            for sums in sorted.withLock({ $0 }) {
                guard let sums, let before = all else { return nil }
                all = before.merged(with: sums)
            }
            return all.map { result(names, $0, files) }
        }

        /// The same from runs on the disk, one day after another: only a day's sums are in memory at a time.
        mutating func finish(spilled tallies: [Tally], files: [SegmentPieces]) throws(MeteringError)
            -> RollUpResult
        {
            let maps = tallies.map { take($0) }
            let names = Names(tenants, plugins, plans)
            let ranked = maps.map { names.ranks(of: $0) }
            let days = Set(tallies.flatMap { $0.spill?.runs.map(\.day) ?? [] }).sorted()
            var all = SortedSums()
            for day in days {
                var table = GroupTable()
                for (tally, ranks) in zip(tallies, ranked) {
                    guard let spill = tally.spill else { continue }
                    for run in spill.runs where run.day == day {
                        for sum in try spill.sums.read(Spill.Sum.self, from: run.offset, count: run.count) {
                            guard let key = ranks.key(GroupTable.parts(sum.key)),
                                table.add(key, sum.quantities)
                            else { throw Tally.overflow }
                        }
                    }
                }
                guard let sums = SortedSums(table, { GroupTable.key($0) }) else { throw Tally.overflow }
                all.keys += sums.keys
                all.sums += sums.sums
            }
            return result(names, all, files)
        }

        private func result(_ names: Names, _ sums: SortedSums, _ files: [SegmentPieces]) -> RollUpResult {
            RollUpResult(
                account: .init(
                    lines: count.lines, counted: count.counted, duplicates: count.duplicates,
                    quarantined: count.quarantined, billed: count.billed, pending: count.pending,
                    late: count.late),
                quarantined: quarantined.map {
                    QuarantinedLine(
                        file: files[$0.place.file].source.path, offset: $0.place.offset, why: $0.why)
                }.sorted(by: Builder.before),
                amounts: Builder.inTime(amounts, \.time, \.id),
                subscriptions: Builder.inTime(subscriptions, \.time, \.id),
                tenants: names.tenants.names, plugins: names.plugins.names, plans: names.plans.names,
                keys: sums.keys, sums: sums.sums)
        }

        /// By time, then id. The places are sorted, not the events: those are large, and there are many.
        private static func inTime<T>(
            _ events: [T], _ time: KeyPath<T, Instant>, _ id: KeyPath<T, String>
        ) -> [T] {
            let order = events.map { (time: $0[keyPath: time], id: Bytes($0[keyPath: id])) }
            let places = order.indices.sorted {
                order[$0].time != order[$1].time
                    ? order[$0].time < order[$1].time : order[$0].id < order[$1].id
            }
            return places.map { events[$0] }
        }

        /// All names, sorted: numbers compare as the names do, and with them the packed keys.
        private struct Names {
            var tenants: (names: [String], rank: [UInt32])
            var plugins: (names: [String], rank: [UInt32])
            var plans: (names: [String], rank: [UInt32])

            init(_ tenants: Interner, _ plugins: Interner, _ plans: Interner) {
                self.tenants = Names.ranked(tenants)
                self.plugins = Names.ranked(plugins)
                self.plans = Names.ranked(plans)
            }

            private static func ranked(_ interner: Interner) -> ([String], [UInt32]) {
                let names = (0..<interner.count).map { interner[$0] }
                let order = names.indices.sorted { names[$0].lexicographicallyPrecedes(names[$1]) }
                var rank = [UInt32](repeating: 0, count: order.count)
                for (position, index) in order.enumerated() { rank[index] = UInt32(position) }
                return (order.map { String(decoding: names[$0], as: UTF8.self) }, rank)
            }

            func ranks(of maps: Maps) -> Ranks {
                Ranks(
                    tenants: maps.tenants.map { tenants.rank[Int($0)] },
                    plugins: maps.plugins.map { plugins.rank[Int($0)] },
                    plans: maps.plans.map { plans.rank[Int($0)] })
            }
        }

        /// One thread's numbers to the sorted names'.
        private struct Ranks: Sendable {
            var tenants: [UInt32]
            var plugins: [UInt32]
            var plans: [UInt32]

            @inline(__always)
            func key(_ parts: GroupTable.Parts) -> UInt64? {
                GroupTable.key(
                    day: parts.day, tenant: tenants[parts.tenant], plugin: plugins[parts.plugin],
                    plan: plans[parts.plan])
            }
        }

        static func before(_ a: QuarantinedLine, _ b: QuarantinedLine) -> Bool {
            (Bytes(a.file), a.offset) < (Bytes(b.file), b.offset)
        }
    }

    /// Of the events with these ids only the first is kept: a spill has counted their copies too.
    mutating func keepOnce(_ ids: Set<MeterID>) {
        if ids.isEmpty { return }
        var seen: Set<MeterID> = []
        amounts.removeAll { ids.contains(MeterID($0.id)) && !seen.insert(MeterID($0.id)).inserted }
        seen = []
        subscriptions.removeAll { ids.contains(MeterID($0.id)) && !seen.insert(MeterID($0.id)).inserted }
    }

    /// Settles the ids with two bodies. Where one body was billed before, only the other lines are quarantined;
    /// else every line with the id is, and what was counted of it is taken back.
    mutating func takeBack(
        conflicts: [Tally.Conflict], until: Instant?, lateBefore: Instant?, _ ids: IDSet,
        _ files: [SegmentPieces]
    ) {
        var byID: [MeterID: [Tally.Conflict]] = [:]
        for conflict in conflicts { byID[conflict.id, default: []].append(conflict) }
        for (id, lines) in byID {
            let first = ids.body(of: id)!
            let isKnown = lines.contains(where: \.isKnown)
            let own = lines.filter { !$0.isKnown }
            for line in own where !isKnown || line.body != first {
                let path = files[line.place.file].source.path
                quarantined.append(
                    QuarantinedLine(
                        file: path, offset: line.place.offset,
                        why: "its id stands elsewhere with another body"))
                disputedTenants.insert(String(decoding: line.tenant, as: UTF8.self))
            }
            if isKnown { continue }
            // The set holds the body that came first: one line of it was counted (or left for later), its equals
            // were duplicates, the others are quarantined already.
            let same = own.filter { $0.body == first }
            let isPending = until.map { same[0].reading.timeMs >= $0.milliseconds } ?? false
            account.duplicates -= Int64(same.count - 1)
            account.quarantined += Int64(same.count)
            if isPending {
                account.pending -= 1
            } else {
                account.counted -= 1
                if let lateBefore, same[0].reading.timeMs < lateBefore.milliseconds { account.late -= 1 }
                remove(same[0])
            }
        }
        quarantined.sort(by: Builder.before)
    }

    private mutating func remove(_ conflict: Tally.Conflict) {
        amounts.removeAll { MeterID($0.id) == conflict.id }
        let before = subscriptions.count
        subscriptions.removeAll { MeterID($0.id) == conflict.id }
        if subscriptions.count != before { return }
        func place(_ name: [UInt8], _ names: [String]) -> UInt32 {
            UInt32(names.firstIndex(of: String(decoding: name, as: UTF8.self))!)
        }
        let key = GroupTable.key(
            day: conflict.reading.day, tenant: place(conflict.tenant, tenants),
            plugin: place(conflict.plugin, plugins), plan: place(conflict.plan, plans))
        let position = keys.firstIndex(of: key!)!
        let holds = sums[position].add(conflict.reading.quantities, sign: -1)
        precondition(holds, "what is taken back was counted")
    }
}
