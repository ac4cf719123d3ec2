internal import Marketplace

extension RollUpResult {
    /// Brings the threads' tallies together over one set of names.
    struct Builder {
        private var tenants = Interner()
        private var plugins = Interner()
        private var plans = Interner()
        private var groups = GroupTable()
        private var count = Tally.Count()
        private var quarantined: [(place: Tally.Place, why: String)] = []
        private var amounts: [AmountEvent] = []
        private var subscriptions: [SubscriptionEvent] = []

        mutating func add(_ tally: Tally) -> Bool {
            let tenantMap = Builder.map(tally.names.tenants, into: &tenants)
            let pluginMap = Builder.map(tally.names.plugins, into: &plugins)
            let planMap = Builder.map(tally.names.plans, into: &plans)
            var holds = true
            tally.groups.visit { key, sum in
                let parts = GroupTable.parts(key)
                let mapped = GroupTable.key(
                    day: parts.day, tenant: tenantMap[parts.tenant], plugin: pluginMap[parts.plugin],
                    plan: planMap[parts.plan])
                guard let mapped else {
                    holds = false
                    return
                }
                holds = groups.add(mapped, sum) && holds
            }
            count.add(tally.count)
            quarantined += tally.quarantined
            amounts += tally.amounts
            subscriptions += tally.subscriptions
            return holds
        }

        private static func map(_ from: Interner, into: inout Interner) -> [UInt32] {
            from.names.map { name in into.intern(String(decoding: name, as: UTF8.self)).index }
        }

        /// The same from runs on the disk, one day after another: only a day's sums are in memory at a time.
        mutating func finish(spilled tallies: [Tally], files: [SegmentPieces]) throws(MeteringError)
            -> RollUpResult
        {
            var maps: [(tenants: [UInt32], plugins: [UInt32], plans: [UInt32])] = []
            for tally in tallies {
                maps.append(
                    (
                        Builder.map(tally.names.tenants, into: &tenants),
                        Builder.map(tally.names.plugins, into: &plugins),
                        Builder.map(tally.names.plans, into: &plans)
                    ))
                count.add(tally.count)
                quarantined += tally.quarantined
                amounts += tally.amounts
                subscriptions += tally.subscriptions
            }
            let ranks = (Builder.rank(tenants).1, Builder.rank(plugins).1, Builder.rank(plans).1)
            let refusal = MeteringError(
                .limit, "roll-up", "a sum leaves 64 bits, or there are too many names")
            let days = Set(tallies.flatMap { $0.spill?.runs.map(\.day) ?? [] }).sorted()
            var keys: [UInt64] = []
            var sums: [Quantities] = []
            for day in days {
                var table = GroupTable()
                for (tally, map) in zip(tallies, maps) {
                    guard let spill = tally.spill else { continue }
                    for run in spill.runs where run.day == day {
                        for sum in try spill.sums.read(Spill.Sum.self, from: run.offset, count: run.count) {
                            let parts = GroupTable.parts(sum.key)
                            let key = GroupTable.key(
                                day: day, tenant: ranks.0[Int(map.tenants[parts.tenant])],
                                plugin: ranks.1[Int(map.plugins[parts.plugin])],
                                plan: ranks.2[Int(map.plans[parts.plan])])
                            guard let key, table.add(key, sum.quantities) else { throw refusal }
                        }
                    }
                }
                var entries: [(key: UInt64, sum: Quantities)] = []
                table.visit { entries.append(($0, $1)) }
                entries.sort { $0.key < $1.key }
                keys += entries.map(\.key)
                sums += entries.map(\.sum)
            }
            var result = finish(files: files)
            (result.keys, result.sums) = (keys, sums)
            return result
        }

        /// Sorts the names, and with them the packed keys: numbers compare as the names do.
        consuming func finish(files: [SegmentPieces]) -> RollUpResult {
            let (tenantNames, tenantRank) = Builder.rank(tenants)
            let (pluginNames, pluginRank) = Builder.rank(plugins)
            let (planNames, planRank) = Builder.rank(plans)
            var entries: [(key: UInt64, sum: Quantities)] = []
            entries.reserveCapacity(groups.count)
            groups.visit { key, sum in
                let parts = GroupTable.parts(key)
                let ranked = GroupTable.key(
                    day: parts.day, tenant: tenantRank[parts.tenant], plugin: pluginRank[parts.plugin],
                    plan: planRank[parts.plan])!
                entries.append((ranked, sum))
            }
            entries.sort { $0.key < $1.key }
            return RollUpResult(
                account: .init(
                    lines: count.lines, counted: count.counted, duplicates: count.duplicates,
                    quarantined: count.quarantined, billed: count.billed, pending: count.pending,
                    late: count.late),
                quarantined: quarantined.map {
                    QuarantinedLine(
                        file: files[$0.place.file].source.path, offset: $0.place.offset, why: $0.why)
                }.sorted(by: Builder.before),
                amounts: amounts.sorted { ($0.time, Bytes($0.id)) < ($1.time, Bytes($1.id)) },
                subscriptions: subscriptions.sorted { ($0.time, Bytes($0.id)) < ($1.time, Bytes($1.id)) },
                tenants: tenantNames, plugins: pluginNames, plans: planNames, keys: entries.map(\.key),
                sums: entries.map(\.sum))
        }

        static func before(_ a: QuarantinedLine, _ b: QuarantinedLine) -> Bool {
            (Bytes(a.file), a.offset) < (Bytes(b.file), b.offset)
        }

        private static func rank(_ names: Interner) -> ([String], [UInt32]) {
            let order = names.names.indices.sorted {
                names.names[$0].lexicographicallyPrecedes(names.names[$1])
            }
            var rank = [UInt32](repeating: 0, count: order.count)
            for (position, index) in order.enumerated() { rank[index] = UInt32(position) }
            return (order.map { String(decoding: names.names[$0], as: UTF8.self) }, rank)
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
