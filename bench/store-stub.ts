/**
 * The reference of the store suite: a gRPC server that decodes appends and acknowledges them without storing anything,
 * and that answers a subscription to $all with events encoded beforehand. What the node costs beyond it is the storing.
 * It uses the node's own quick codec, so that it is the fastest stub that this codec allows.
 */
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { encodeBatchAnswer } from '../src/embedded/eventstore/protocol/append-answers.ts'
import { decodeBatchAppend } from '../src/embedded/eventstore/protocol/append-messages.ts'
import { streamsDefinition } from '../src/embedded/eventstore/protocol/definitions.ts'
import { encodeConfirmation, encodeReadEvent } from '../src/embedded/eventstore/protocol/read-messages.ts'
import { serverFeaturesService } from '../src/embedded/eventstore/services/server-features.ts'
import { encodedName, encodeRecord, recordLength } from '../src/embedded/eventstore/storage/record.ts'

/** Events like those of the suite, as the answers that carry them. */
function encodedEvents(count: number, data: Buffer): Buffer[] {
  const name = encodedName('bench-subscription')
  const id = Buffer.alloc(16, 7)
  const event = { id, type: 'bench.Appended.v1', json: true, data, customMetadata: Buffer.alloc(0) }
  const answers: Buffer[] = []
  for (let position = 32, revision = 0; revision < count; revision++) {
    const placement = { position, revision, createdMs: Date.now(), flags: 0, following: 0, committedTo: 0 }
    const length = recordLength(event, name, placement)
    const buffer = Buffer.alloc(length)
    encodeRecord(buffer, 0, event, name, placement)
    answers.push(encodeReadEvent({ event: { buffer, offset: 0, length }, link: undefined }, 'string'))
    position += length
  }
  return answers
}

const eventCount = Number(process.argv[2] ?? 0)
const answers = encodedEvents(eventCount, Buffer.from(process.argv[3] ?? '{}'))

function acknowledge(call: ServerDuplexStream<Buffer, Buffer>): void {
  let revision = 0
  call.on('data', (buffer: Buffer) => {
    const { correlationId, options, isFinal, events } = decodeBatchAppend(buffer)
    revision += events.length
    if (isFinal)
      call.write(encodeBatchAnswer(correlationId, options, { kind: 'written', revision, position: revision * 600 }))
  })
  call.on('end', () => call.end())
}

async function sendAll(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  let resume: () => void = () => undefined
  call.on('drain', () => resume())
  call.on('cancelled', () => resume())
  call.write(encodeConfirmation(Buffer.alloc(16)))
  for (const answer of answers) {
    if (call.cancelled) return
    if (call.write(answer)) continue
    await new Promise<void>((resolve) => {
      resume = resolve
    })
  }
}

const server = new Server()
const features = serverFeaturesGrpc.ServerFeaturesService as unknown as ServiceDefinition
server.addService(streamsDefinition, {
  batchAppend: acknowledge,
  read: sendAll,
} as unknown as UntypedServiceImplementation)
server.addService(features, serverFeaturesService([streamsDefinition, features]))
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`${JSON.stringify({ url: `esdb://127.0.0.1:${port}?tls=false` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
