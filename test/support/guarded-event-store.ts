/** An event store that permits what it is told to, and nothing else: our node has no users. Enough of gRPC for a look. */
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js'
import { withRawAnswers } from '../../src/embedded/eventstore/protocol/definitions.ts'
import { batchFailure } from './batch-failure.ts'

export type Permission = 'read $all' | 'read' | 'append' | 'set metadata'

export interface GuardedEventStore {
  port: number
  close(): void
}

interface Guard {
  permitted: readonly Permission[]
  /** `user:password`; anybody else is unknown. Without it nobody is asked. */
  credentials?: string
  /** The server's own key and certificate; credentials travel under TLS alone. */
  tls?: { key: Buffer; certificate: Buffer }
}

const refusal = (code: status, details: string) => ({ code, details, metadata: new Metadata() })

export async function startGuardedEventStore({ permitted, credentials, tls }: Guard): Promise<GuardedEventStore> {
  const isKnown = (metadata: Metadata) =>
    credentials === undefined ||
    metadata.get('authorization')[0] === `Basic ${Buffer.from(credentials).toString('base64')}`
  const read = (call: ServerWritableStream<InstanceType<typeof streamsPb.ReadReq>, unknown>) => {
    const right: Permission = call.request.getOptions()?.hasAll() ? 'read $all' : 'read'
    if (!isKnown(call.metadata)) return void call.emit('error', refusal(status.UNAUTHENTICATED, 'Unauthenticated'))
    if (permitted.includes(right)) return void call.end()
    call.emit('error', refusal(status.PERMISSION_DENIED, 'Access Denied'))
  }
  const batchAppend = (call: ServerDuplexStream<InstanceType<typeof streamsPb.BatchAppendReq>, unknown>) => {
    call.on('data', (request: InstanceType<typeof streamsPb.BatchAppendReq>) => {
      const name = Buffer.from(request.getOptions()?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()
      const isPermitted = permitted.includes(name.startsWith('$$') ? 'set metadata' : 'append')
      call.write(
        isPermitted
          ? batchFailure(request, 'WrongExpectedVersion', status.FAILED_PRECONDITION)
          : batchFailure(request, 'AccessDenied', status.PERMISSION_DENIED),
      )
    })
    call.on('end', () => call.end())
  }
  const server = new Server()
  const { StreamsService } = streamsGrpc
  const definition = { read: StreamsService.read, batchAppend: withRawAnswers(StreamsService.batchAppend) }
  server.addService(definition as never, { read, batchAppend } as never)
  const security = tls
    ? ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.certificate }])
    : ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', security, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return { port, close: () => server.forceShutdown() }
}
