/** Puts the node together: the store, the services on it, and the port. */

import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import { Server, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { listen } from './listener.ts'
import { httpHandler } from './node-info.ts'
import { DEFAULT_LIMITS, type EventStoreOptions } from './options.ts'
import { streamsDefinition } from './protocol/definitions.ts'
import { serverFeaturesService } from './services/server-features.ts'
import { streamsService } from './services/streams.ts'
import { EventStore } from './storage/store.ts'

export type RunningNode = { url: string; port: number; close: () => Promise<void> }

const definition = (service: object): ServiceDefinition => service as ServiceDefinition

function services(store: EventStore): Array<[ServiceDefinition, UntypedServiceImplementation]> {
  const served: Array<[ServiceDefinition, UntypedServiceImplementation]> = [[streamsDefinition, streamsService(store)]]
  const features = definition(serverFeaturesGrpc.ServerFeaturesService)
  served.push([features, serverFeaturesService([...served.map(([each]) => each), features])])
  return served
}

/**
 * Opens the directory and serves it.
 * @throws {Error} when the directory is in use, the port is taken, or the log is damaged; nothing stays open then.
 */
export async function runNode(options: EventStoreOptions): Promise<RunningNode> {
  const host = options.host ?? '127.0.0.1'
  const onNotice = options.onNotice ?? ((notice: string) => process.stderr.write(`event store: ${notice}\n`))
  const limits = { ...DEFAULT_LIMITS, ...definedOnly(options) }
  const store = new EventStore({ ...limits, directory: options.directory, onNotice })
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_permit_without_calls': 1,
  })
  for (const [service, implementation] of services(store)) server.addService(service, implementation)
  try {
    const handler = httpHandler(() => store.log.failure() === undefined)
    const listener = await listen(server, handler, { host, port: options.port ?? 0 })
    const close = async (): Promise<void> => {
      await store.drained(limits.closeGraceMs)
      server.forceShutdown()
      await listener.close()
      await store.close()
    }
    let closing: Promise<void> | undefined
    const url = `esdb://${host.includes(':') ? `[${host}]` : host}:${listener.port}?tls=false`
    return { url, port: listener.port, close: () => (closing ??= close()) }
  } catch (error) {
    await store.close()
    throw error
  }
}

function definedOnly(options: EventStoreOptions): Partial<EventStoreOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
