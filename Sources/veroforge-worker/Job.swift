import Bundles
import FoundationEssentials
import Marketplace
import Publishing
import Scanning

/// From a job's name to the function that does it.
enum Job {
    static func run(_ name: String, _ arguments: JSONValue) -> Never {
        switch name {
        case "inspect": Descriptor.finish(WorkerJobs.inspect(Descriptor.readAll(0)))
        case "unpack":
            do {
                try WorkerJobs.unpack(Descriptor.readAll(0)) { Descriptor.write($0, to: 1) }
                Descriptor.exit(0)
            } catch {
                Descriptor.fail(error.description, code: 3)
            }
        case "scan":
            let rules = Descriptor.readAll(4)
            let known = arguments["known"]?.boolValue ?? false ? Descriptor.readAll(5) : []
            do {
                let request = WorkerJobs.ScanRequest(
                    name: arguments["name"]?.stringValue ?? "bundle",
                    today: arguments["today"]?.stringValue.flatMap { Day($0) },
                    part: arguments["part"]?.integerValue.map(Int.init),
                    parts: Int(arguments["parts"]?.integerValue ?? 1), known: known)
                Descriptor.finish(
                    try WorkerJobs.scan(
                        Descriptor.readAll(0), rules: rules, request: request, engine: Engine.question))
            } catch {
                Descriptor.fail(error.description, code: 3)
            }
        case "bench":
            let rules = Descriptor.readAll(4)
            do {
                Descriptor.finish(
                    try WorkerJobs.bench(Descriptor.readAll(0), rules: rules, engine: Engine.question))
            } catch {
                Descriptor.fail(error.description, code: 3)
            }
        case "markdown":
            // {"images": [BundleImage], "idPrefix": "…"} in, RenderedMarkdown as JSON out.
            let images = (arguments["images"]?.serializedBytes()).flatMap {
                try? JSONDecoder().decode([BundleImage].self, from: Data($0))
            }
            let profile = Markdown.Profile.untrusted(
                images: images ?? [], idPrefix: arguments["idPrefix"]?.stringValue ?? "readme-")
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            guard let data = try? encoder.encode(Markdown.render(Descriptor.readAll(0), profile: profile))
            else {
                Descriptor.fail("the text cannot be written", code: 3)
            }
            Descriptor.finish([UInt8](data))
        case "image":
            do throws(PublishingError) {
                let picture = try RemadePicture(remaking: Descriptor.readAll(0))
                guard let data = try? JSONEncoder().encode(picture) else {
                    Descriptor.fail("the picture cannot be written", code: 3)
                }
                Descriptor.finish([UInt8](data))
            } catch {
                Descriptor.fail(error.cause, code: 3)
            }
        default:
            Descriptor.fail(
                "unknown job \(name); there are inspect, unpack, scan, bench, markdown and image", code: 2)
        }
    }
}
