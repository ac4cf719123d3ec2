internal import Glibc
internal import Marketplace
internal import Provenance

/// The roll-up's bench: generates a file where there is none, rolls it up, and says what it took.
public enum RollUpBench {
    public struct Figures: Sendable, Codable {
        public var events: Int
        public var bytes: Int
        public var rows: Int
        public var counted: Int64
        public var duplicates: Int64
        public var wallSeconds: Double
        public var cpuSeconds: Double
        /// The process's greatest resident memory so far.
        public var peakMiB: Int
        /// SHA-256 of the CSV: the same for every right program on the same file.
        public var digest: String
    }

    public static func run(events: Int, file: String, threads: Int = 2, disk: Disk = Disk())
        throws(MeteringError)
        -> Figures
    {
        if !disk.exists(file) { _ = try UsageGenerator(days: 5).write(events: events, to: file, disk: disk) }
        let before = usage()
        let wall = monotonicSeconds()
        let result = try RollUp(options: .init(threads: threads), disk: disk).run([.init(file)])
        let csv = result.csv()
        let took = monotonicSeconds() - wall
        let after = usage()
        var status = stat()
        guard stat(file, &status) == 0 else { throw disk.failure("stat", file) }
        return Figures(
            events: events, bytes: Int(status.st_size), rows: SegmentReader.countLines(csv, csv.indices) - 1,
            counted: result.account.counted, duplicates: result.account.duplicates, wallSeconds: took,
            cpuSeconds: after.cpu - before.cpu, peakMiB: after.peakMiB, digest: Digest.sha256(of: csv).hex)
    }

    private static func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func usage() -> (cpu: Double, peakMiB: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss / 1_024)
    }
}
