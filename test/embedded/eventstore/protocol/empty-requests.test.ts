/** Every method of every service is called with an empty request, which no client sends: the node must outlive it. */
import { NO_STREAM } from '@eventstore/db-client'
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import monitoringGrpc from '@eventstore/db-client/generated/monitoring_grpc_pb.js'
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js'
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js'
import projectionsGrpc from '@eventstore/db-client/generated/projections_grpc_pb.js'
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import usersGrpc from '@eventstore/db-client/generated/users_grpc_pb.js'
import { type Client, credentials, type MethodDefinition, makeGenericClientConstructor } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newStream, numbered, startServer, type TestServer } from '../support/node.ts'

type Method = MethodDefinition<unknown, unknown> & { requestType: new () => unknown }

/** Shutdown is left out, as it is meant to end the node. */
const METHODS = [
  gossipGrpc.GossipService,
  monitoringGrpc.MonitoringService,
  operationsGrpc.OperationsService,
  persistentGrpc.PersistentSubscriptionsService,
  projectionsGrpc.ProjectionsService,
  serverFeaturesGrpc.ServerFeaturesService,
  streamsGrpc.StreamsService,
  usersGrpc.UsersService,
]
  .flatMap((service) => Object.values(service as unknown as Record<string, Method>))
  .filter(({ path }) => !path.endsWith('/Shutdown'))

let server: TestServer
let address: string
beforeAll(async () => {
  server = await startServer()
  address = new URL(server.url.replace(/^\w+:/, 'http:')).host
})
afterAll(() => server.close())

/** Resolves with the first answer or the end of the call. */
function callEmpty(client: Client, method: Method): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize, requestStream, responseStream, requestType } = method
  const shape = [path, requestSerialize, responseDeserialize] as const
  const request = new requestType()
  return new Promise((resolve) => {
    const answered = (error: unknown, answer?: unknown) => resolve(error ?? answer)
    if (!responseStream && !requestStream) client.makeUnaryRequest(...shape, request, answered)
    else if (!responseStream) client.makeClientStreamRequest(...shape, answered).end(request)
    else {
      const duplex = requestStream ? client.makeBidiStreamRequest(...shape) : undefined
      duplex?.write(request)
      const call = duplex ?? client.makeServerStreamRequest(...shape, request)
      for (const event of ['data', 'error', 'end']) call.on(event, resolve)
    }
  })
}

test.runIf(!process.env.EVENTSTORE_URL).each(METHODS.map((method) => [method.path, method] as const))(
  'the node answers %s with an empty request, and goes on',
  async (_path, method) => {
    const Generic = makeGenericClientConstructor({}, 'empty')
    const client = new Generic(address, credentials.createInsecure())
    await callEmpty(client, method)
    client.close()
    const appended = await server.client.appendToStream(newStream(), numbered(1), { expectedRevision: NO_STREAM })
    expect(appended.success).toBe(true)
  },
)
