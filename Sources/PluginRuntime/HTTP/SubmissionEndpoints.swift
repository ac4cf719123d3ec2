import FoundationEssentials
import Marketplace
import Metering
import Provenance
import Registry

/// Submissions: the bundle goes into the inbox as it is, beside its signature. Nothing of it is parsed here; the
/// submission pipeline does that, confined.
struct SubmissionEndpoints: Sendable {
    let registry: Registry
    let inbox: String
    let clock: RuntimeClock
    let audit: AuditLog
    let node: String

    var all: [Endpoint] { [submit, show, list] }

    private static let document = Schemas.object(
        [
            "id": Schemas.text("SHA-256 of the bundle", max: 64, min: 64),
            "state": Schemas.text("the pipeline's word"),
            "plugin": ["type": ["string", "null"]], "version": ["type": ["string", "null"]],
            "bytes": ["type": "integer"], "receivedAt": Schemas.time, "updatedAt": Schemas.time,
            "reason": Schemas.object(
                [
                    "code": ["type": "string"], "text": ["type": "string"], "nextStep": ["type": "string"],
                ]),
        ], required: ["id", "state", "bytes", "receivedAt"])

    private var submit: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/submissions", id: "submit",
            summary: "Takes a bundle; VeroForge-Signature carries its detached DSSE envelope in base64",
            access: .publisher,
            headers: [
                Endpoint.Parameter(
                    name: "VeroForge-Signature", schema: Schemas.text("base64 of the envelope", max: 16_384),
                    description: "The publisher's signature over the bundle's digest")
            ], body: .bytes(type: "application/zip", max: PlatformLimits.BundleBytes.packedMax),
            success: Endpoint.Success(status: 202, description: "It is in the inbox", schema: Self.document)
        ) { asked throws(RuntimeError) in
            guard case .publisher(let publisher) = asked.holder else {
                throw RuntimeError(.forbidden, "token", "it is for no publisher")
            }
            guard let header = asked.request.headers["veroforge-signature"],
                let signature = Data(base64Encoded: header), !signature.isEmpty,
                (try? Envelope(parsing: Array(signature))) != nil
            else { throw RuntimeError(.invalid, "VeroForge-Signature", "is no DSSE envelope in base64") }
            let bytes = asked.request.body
            guard !bytes.isEmpty else { throw RuntimeError(.invalid, "body", "is empty") }
            let id = Digest.sha256(of: bytes)
            let inbox = self.inbox
            let registry = self.registry
            let now = clock.now()
            let submission = try await blocking { () -> Submission in
                // What is here already keeps the signature that it came with, whoever sends the bytes again.
                if try registry.hasSubmission(id) {
                    return try registry.receive(
                        bundle: id, byteCount: bytes.count, publisher: publisher, now: now
                    ).submission
                }
                let disk = Disk()
                try disk.replace("\(inbox)/\(id.hex).sig.json", with: Array(signature))
                try disk.replace("\(inbox)/\(id.hex).vfp", with: bytes)
                return try registry.receive(
                    bundle: id, byteCount: bytes.count, publisher: publisher, now: now
                )
                .submission
            }
            try audit.append(
                AuditLine(
                    time: now, node: node, actor: "publisher:\(publisher)", act: "submit", subject: id.hex,
                    outcome: "ok"))
            return .json(
                Self.document(submission), status: 202, headers: ["location": "/v1/submissions/\(id.hex)"])
        }
    }

    private var show: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/submissions/{submission}", id: "showSubmission",
            summary: "Where a submission stands", access: .publisher,
            success: Endpoint.Success(description: "The submission", schema: Self.document)
        ) { [registry] asked throws(RuntimeError) in
            guard case .publisher(let publisher) = asked.holder,
                let id = asked.parameters["submission"].flatMap({ Digest(hex: $0) })
            else { throw RuntimeError(.notFound, asked.parameters["submission"] ?? "", "is no submission") }
            let submission = try await blocking { try registry.submission(id) }
            // Another publisher's submission is not there for this one.
            guard submission.publisher == publisher else {
                throw RuntimeError(.notFound, id.hex, "is no submission")
            }
            return .json(Self.document(submission))
        }
    }

    private var list: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/publishers/{publisher}/submissions", id: "listSubmissions",
            summary: "The publisher's submissions, newest first", access: .publisher,
            success: Endpoint.Success(
                description: "The submissions",
                schema: Schemas.object(
                    ["submissions": Schemas.list(Self.document)], required: ["submissions"]))
        ) { [registry] asked throws(RuntimeError) in
            let publisher = try asked.publisher()
            let rows = try await blocking { try registry.submissions(of: publisher) }
            return .json(["submissions": .array(rows.map(Self.document))])
        }
    }

    private static func document(_ submission: Submission) -> JSONValue {
        [
            "id": .string(submission.id.hex), "state": .string(submission.state.rawValue),
            "plugin": submission.plugin.map { .string($0.text) } ?? .null,
            "version": submission.version.map { .string($0.description) } ?? .null,
            "bytes": .integer(Int64(submission.byteCount)),
            "receivedAt": .string(submission.receivedAt.description),
            "updatedAt": .string(submission.updatedAt.description),
            "reason": [
                "code": .string(submission.reason.code), "text": .string(submission.reason.text),
                "nextStep": .string(submission.reason.nextStep ?? ""),
            ],
        ]
    }
}
