import Hummingbird
import HummingbirdCore
import NIOCore
import Sandbox
import Synchronization

/// Knows of each connection (of HTTP/2: of each stream) whether the caller is still there, so that a call ends when
/// nobody waits for its answer.
final class ConnectionWatch: Sendable {
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    private struct Entry {
        var isGone = false
        var whenGone: (@Sendable () -> Void)?
    }

    /// Runs `work`, cancelled once the caller of `channel` has gone.
    func whileCallerIsThere<Result: Sendable>(
        _ channel: any Channel, _ work: @escaping @Sendable () async -> Result
    ) async -> Result {
        let id = ObjectIdentifier(channel)
        let task = Task(executorPreference: presentExecutor) { await work() }
        let isGone = entries.withLock { entries -> Bool in
            guard entries[id] != nil else { return false }
            entries[id]?.whenGone = { task.cancel() }
            return entries[id]?.isGone ?? false
        }
        if isGone { task.cancel() }
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        entries.withLock { $0[id]?.whenGone = nil }
        return result
    }

    fileprivate func begin(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)] = Entry() }
    }

    fileprivate func gone(_ channel: any Channel, forEver: Bool) {
        let id = ObjectIdentifier(channel)
        let whenGone = entries.withLock { entries -> (@Sendable () -> Void)? in
            let action = entries[id]?.whenGone
            if forEver { entries[id] = nil } else { entries[id]?.isGone = true }
            return action
        }
        whenGone?()
    }

    /// The handler that a connection's pipeline gets.
    func handler(headSeconds: Int) -> any RemovableChannelHandler {
        Handler(watch: self, headSeconds: headSeconds)
    }

    /// Sees the end of what the caller sends, and closes a connection on which no request's head arrives in time.
    private final class Handler: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = Any
        typealias InboundOut = Any

        private let watch: ConnectionWatch
        private let headSeconds: Int
        private var headDeadline: Scheduled<Void>?

        init(watch: ConnectionWatch, headSeconds: Int) {
            self.watch = watch
            self.headSeconds = headSeconds
        }

        func handlerAdded(context: ChannelHandlerContext) {
            watch.begin(context.channel)
            let channel = context.channel
            headDeadline = context.eventLoop.scheduleTask(in: .seconds(Int64(headSeconds))) {
                channel.close(promise: nil)
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if let deadline = headDeadline {
                deadline.cancel()
                headDeadline = nil
            }
            context.fireChannelRead(data)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent {
                watch.gone(context.channel, forEver: false)
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            watch.gone(context.channel, forEver: false)
            context.fireErrorCaught(error)
        }

        func channelInactive(context: ChannelHandlerContext) {
            watch.gone(context.channel, forEver: true)
            context.fireChannelInactive()
        }

        func handlerRemoved(context: ChannelHandlerContext) {
            headDeadline?.cancel()
            watch.gone(context.channel, forEver: true)
        }
    }
}

/// What a request brings beside itself: its connection.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
