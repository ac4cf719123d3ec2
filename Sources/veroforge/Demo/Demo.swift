import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

/// `veroforge demo`
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "The whole job on sample data: submissions, a month of calls, the nights, the payouts.",
        discussion:
            "Everything listens on loopback only and ends with the command. All names are sample data.")

    @Option(help: "The folder to make; one that an earlier demo made is replaced.") var output = "demo"

    func run() async throws {
        let stage = try DemoStage(folder: output, programs: try Programs.located())
        try await stage.play()
    }
}

/// The demo's acts, in their order.
struct DemoStage {
    let folder: String
    let programs: ProgramFiles
    let data: DataDirectory
    let calendar: DemoCalendar

    init(folder: String, programs: ProgramFiles) throws(PipelineError) {
        if Files.exists(folder) {
            guard Files.exists(folder + "/veroforge.yaml"),
                String(decoding: try Files.read(folder + "/veroforge.yaml"), as: UTF8.self).contains(
                    "\ndemo: true\n")
            else {
                throw PipelineError(
                    .usage, "\(folder) exists and is no demo's folder",
                    remedy: "Name another with --output; nothing was changed.")
            }
            do { try FileManager.default.removeItem(atPath: folder) } catch {
                throw PipelineError(.tryLater, "\(folder) cannot be removed: \(error.localizedDescription)")
            }
        }
        self.folder = folder
        self.programs = programs
        data = try DataDirectory.create(folder, configuration: Configuration.template(demo: true))
        calendar = DemoCalendar(wall: Clock.wall())
    }

    func play() async throws {
        try prepare()
        let submissions = try await submit()
        try review()
        say("Publishing")
        try await pipeline("submission", at: calendar.launch.adding(seconds: 3_600))
        let month = DemoMonth(stage: self)
        try await month.play()
        // Signed anew under today's clock, so that the catalogue verifies without a word about time.
        try await pipeline("submission", stage: "publish", at: Clock.wall())
        try summary(submissions)
    }

    func context(_ now: Instant, _ options: RunOptions = RunOptions()) throws(PipelineError) -> RunContext {
        try RunContext.open(data: data, programs: programs, now: now, options: options)
    }

    func say(_ text: String) { print("· \(text)") }

    @discardableResult
    func pipeline(
        _ name: String, stage: String? = nil, at now: Instant
    ) async throws(PipelineError) -> PipelineRunner.RunReport {
        let report = try await PipelineRunner(name, programs: programs).run(
            try context(now, RunOptions(stage: stage)), progress: Progress(visible: false))
        guard report.exitCode == .done else {
            let notes = report.stages.flatMap(\.notes).joined(separator: "\n  ")
            throw PipelineError(
                report.exitCode, "the pipeline \(name) ended with \(report.code):\n  \(notes)")
        }
        return report
    }

    // MARK: Act one: publishers and submissions

    private func prepare() throws {
        say("Making the data directory \(folder) and registering two publishers")
        try DataSetUp.keys(data, now: calendar.launch)
        let context = try context(calendar.launch)
        for (id, name, country) in [
            ("veroforge", "VeroForge", "DE"), ("northwind-samples", "Northwind Samples", "US"),
        ] {
            let key = try KeyFile.readOrCreate(publisherKey(id))
            try context.registry.registerPublisher(
                PublisherID(id)!, name: name, email: "\(id)@example.com", country: country,
                currency: Currency("USD")!,
                key: key.verifyingKey, now: calendar.launch)
        }
    }

    func publisherKey(_ publisher: String) -> String { "\(data.root)/publishers/\(publisher).key" }

    private func submit() async throws -> [Digest] {
        say("Building, packing, signing and submitting seven plugins")
        let context = try context(calendar.launch)
        var ids: [Digest] = []
        for name in DemoPlugins.folders {
            let packed = try await PluginFolder("\(programs.plugins)/\(name)").pack()
            let publisher = packed.manifest.id.publisher
            let envelope = SubmissionSignature.sign(
                bundle: .sha256(of: packed.bytes), plugin: packed.manifest.id,
                version: packed.manifest.version,
                with: try KeyFile.read(publisherKey(publisher.text)))
            let received = try SubmissionDesk(context).receive(
                packed.bytes, signature: envelope.serializedBytes, publisher: publisher)
            ids.append(received.submission.id)
        }
        say("Ingest, unpack, scan, trial, decide")
        try await pipeline("submission", at: calendar.launch)
        for id in ids {
            let item = try context.registry.submission(id)
            print("    \(item.title) is \(item.state.rawValue): \(item.reason.text)")
            if item.state == .rejected {
                for line in FindingLines.ofSubmission(id, data).prefix(8) { print("      \(line)") }
            }
        }
        return ids
    }

    private func review() throws {
        let desk = ReviewDesk(try context(calendar.launch.adding(seconds: 1_800)))
        for item in try desk.queue() {
            say("A reviewer approves \(item.title), which was held: \(item.reason.text)")
            _ = try desk.decide(
                item, verdict: "approve", reviewer: "sample-reviewer",
                reason: "Read code, reports and permissions.")
        }
    }
}

/// The demo's simulated time: two whole months before this one, so that the nights and the payout after the month
/// lie in the past as well.
struct DemoCalendar {
    let month: BillingPeriod
    /// When the plugins are submitted: the day before the month begins.
    var launch: Instant { month.firstDay.adding(days: -1).start.adding(seconds: 8 * 3_600) }

    init(wall: Instant) { month = wall.day.period.previous.previous }
}
