/** Puts the node together: the store, the services on it, and the port. */

import type { Socket } from 'node:net'
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import monitoringGrpc from '@eventstore/db-client/generated/monitoring_grpc_pb.js'
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js'
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js'
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import usersGrpc from '@eventstore/db-client/generated/users_grpc_pb.js'
import {
  Server,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { isOwnUser } from '../../runtime/own-user.ts'
import { createCheck, demandsCredential } from './access.ts'
import { listen } from './listener.ts'
import { httpHandler } from './node-info.ts'
import { DEFAULT_LIMITS, type EventStoreOptions } from './options.ts'
import { streamsDefinition, withRawAnswers } from './protocol/definitions.ts'
import { unavailable } from './protocol/errors.ts'
import { writeFirstEvents } from './services/first-events.ts'
import { sendsLists } from './services/message-lists.ts'
import { OpenCalls } from './services/open-calls.ts'
import { SubscriptionRegistry } from './services/persistent/registry.ts'
import { persistentSubscriptionsService } from './services/persistent/service.ts'
import { serverFeaturesService } from './services/server-features.ts'
import {
  gossipService,
  monitoringService,
  type Operations,
  operationsService,
  usersService,
} from './services/single-node.ts'
import { streamsService } from './services/streams.ts'
import { EventStore } from './storage/store.ts'

export type RunningNode = {
  url: string
  port: number
  close: () => Promise<void>
  /** Resolves once the node is closed, be it through `close` or through the protocol's Shutdown. */
  closed: Promise<void>
}

const definition = (service: object): ServiceDefinition => service as ServiceDefinition

type Served = Array<[ServiceDefinition, UntypedServiceImplementation]>

/** All services but projections, which grpc answers with UNIMPLEMENTED as it does whatever is not served. */
function services(store: EventStore, registry: SubscriptionRegistry, node: NodeControls): Served {
  const persistent = persistentGrpc.PersistentSubscriptionsService
  const served: Served = [
    [streamsDefinition, streamsService(store)],
    [{ ...definition(persistent), read: withRawAnswers(persistent.read) }, persistentSubscriptionsService(registry)],
    [definition(gossipGrpc.GossipService), gossipService(node.address)],
    [definition(monitoringGrpc.MonitoringService), monitoringService(store)],
    [
      definition(operationsGrpc.OperationsService),
      operationsService({ store, ...node, restartSubscriptions: () => registry.restart() }),
    ],
    [definition(usersGrpc.UsersService), usersService()],
  ]
  const features = definition(serverFeaturesGrpc.ServerFeaturesService)
  served.push([features, serverFeaturesService([...served.map(([each]) => each), features])])
  return served
}

/** As many as EventStoreDB allows: further calls of a client wait until others end. */
const CALLS_PER_CONNECTION = 100

type NodeControls = { address: () => { host: string; port: number } } & Pick<Operations, 'shutdown' | 'isGood'>

/**
 * Opens the directory and serves it.
 * @throws {Error} when the directory is in use, the port is taken, or the log is damaged; nothing stays open then.
 */
export async function runNode(options: EventStoreOptions): Promise<RunningNode> {
  const host = options.host ?? '127.0.0.1'
  const onNotice = options.onNotice ?? ((notice: string) => process.stderr.write(`event store: ${notice}\n`))
  const limits = { ...DEFAULT_LIMITS, ...definedOnly(options) }
  const store = new EventStore({ ...limits, directory: options.directory, onNotice })
  const isGood = options.credential === undefined ? undefined : createCheck(options.credential)
  const serverWith = (...interceptors: ServerInterceptor[]) =>
    new Server({
      'grpc.max_receive_message_length': limits.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_concurrent_streams': CALLS_PER_CONNECTION,
      interceptors,
    })
  const trusted = serverWith(sendsLists)
  const others = isGood ? serverWith(demandsCredential(isGood), sendsLists) : trusted
  const servers = [...new Set([trusted, others])]
  const isTrusted = (socket: Socket) => options.trustsOwnUser !== false && isOwnUser(socket)
  let running: RunningNode | undefined
  try {
    await writeFirstEvents(store)
    const registry = new SubscriptionRegistry(store)
    const calls = new OpenCalls()
    const controls: NodeControls = {
      address: () => ({ host, port: running?.port ?? 0 }),
      shutdown: () => void running?.close(),
      isGood,
    }
    for (const [service, implementation] of services(store, registry, controls)) {
      const tracked = calls.tracked(implementation)
      for (const server of servers) server.addService(service, tracked)
    }
    const handler = httpHandler({
      health: () => store.care.health(),
      startScavenge: () => store.care.startScavenge().report,
      mayAsk: ({ headers, socket }) => !isGood || isGood(headers.authorization) || isTrusted(socket),
    })
    const listener = await listen({ trusted, others, isTrusted }, handler, { host, port: options.port ?? 0 })
    const close = async (): Promise<void> => {
      const stopped = listener.stop()
      await registry.closeAll(unavailable('the node is closing'))
      await store.finishWrites(limits.closeGraceMs)
      // The answers to what was just written go out before the calls that they belong to end.
      await new Promise((resolve) => setImmediate(resolve))
      calls.endAll()
      await endConnections(servers, stopped, limits.closeGraceMs)
      listener.cut()
      await stopped
      await store.close()
    }
    let closing: Promise<void> | undefined
    const { promise: closed, resolve: reportClosed } = Promise.withResolvers<void>()
    const url = `esdb://${host.includes(':') ? `[${host}]` : host}:${listener.port}?tls=false`
    running = {
      url,
      port: listener.port,
      closed,
      close: () => {
        closing ??= close().finally(reportClosed)
        return closing
      },
    }
    return running
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Lets the clients read what was sent to them, though not longer than this. `ended` resolves with the last connection. */
async function endConnections(servers: readonly Server[], ended: Promise<void>, graceMs: number): Promise<void> {
  // It calls back before the sessions have ended, so that only the connections tell when they have.
  for (const server of servers) server.tryShutdown(() => undefined)
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, graceMs)
  await Promise.race([ended, over])
  clearTimeout(timer)
  for (const server of servers) server.forceShutdown()
}

function definedOnly(options: EventStoreOptions): Partial<EventStoreOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
