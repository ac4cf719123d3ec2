import Marketplace
import Metering
import Provenance
import Registry

/// A reviewer's decision. The runtime holds no signing key for decisions: it checks who asks and writes down what was
/// asked, under the reviewer's name; the `decide` stage signs it and moves the submission.
struct ReviewEndpoints: Sendable {
    let registry: Registry
    /// `<data>/reviews`
    let folder: String
    let clock: RuntimeClock
    let audit: AuditLog
    let node: String

    var all: [Endpoint] { [decide] }

    private var decide: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/reviews/{submission}", id: "decide",
            summary: "Approves, holds or rejects a held submission; signed by the next run of the pipeline",
            access: .reviewer,
            body: .json(
                Schemas.object(
                    [
                        "decision": ["type": "string", "enum": ["approve", "hold", "reject"]],
                        "reason": Schemas.text("the publisher reads it", max: 4_000, min: 0),
                    ], required: ["decision"])),
            success: Endpoint.Success(
                status: 202, description: "Taken down",
                schema: Schemas.object(
                    [
                        "submission": ["type": "string"], "decision": ["type": "string"],
                        "by": ["type": "string"],
                    ], required: ["submission", "decision", "by"])), repeatable: true
        ) { [registry, clock] asked throws(RuntimeError) in
            guard case .reviewer(let reviewer) = asked.holder else {
                throw RuntimeError(.forbidden, "token", "it is for no reviewer")
            }
            guard let id = asked.parameters["submission"].flatMap({ Digest(hex: $0) }) else {
                throw RuntimeError(.notFound, asked.parameters["submission"] ?? "", "is no submission")
            }
            let decision = asked.json["decision"]?.stringValue ?? ""
            let reason = asked.json["reason"]?.stringValue ?? ""
            guard decision == "approve" || !reason.isEmpty else {
                throw RuntimeError(.invalid, "reason", "is needed to \(decision): the publisher reads it")
            }
            let submission = try await blocking { try registry.submission(id) }
            guard submission.state == .held || (submission.state == .approved && decision != "approve") else {
                throw RuntimeError(
                    .conflict, id.hex, "is \(submission.state.rawValue); only what is held is decided")
            }
            let now = clock.now()
            let request: JSONValue = [
                "schema": "veroforge.review-request/1", "submission": .string(id.hex),
                "decision": .string(decision), "reason": .string(reason), "by": .string(reviewer),
                "at": .string(now.description),
            ]
            // One file a reviewer and submission: a later word takes the place of an earlier one.
            let name = "\(id.hex)-\(Digest.sha256(of: reviewer).hex.prefix(16)).json"
            let folder = self.folder
            try await blocking {
                let disk = Disk()
                try disk.makeDirectories(folder)
                _ = try disk.replace("\(folder)/\(name)", with: request.serializedBytes())
            }
            try audit.append(
                AuditLine(
                    time: now, node: node, actor: asked.actor, act: "review-\(decision)", subject: id.hex,
                    outcome: "ok"))
            return .json(
                ["submission": .string(id.hex), "decision": .string(decision), "by": .string(reviewer)],
                status: 202)
        }
    }
}
