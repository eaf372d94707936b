/** The PersistentSubscriptions service: the calls of the protocol, each one line of the registry's or a group's work. */
import type {
  CreateReq,
  DeleteReq,
  GetInfoReq,
  ListReq,
  ReadReq,
  ReplayParkedReq,
  UpdateReq,
} from '@eventstore/db-client/generated/persistent_pb.js'
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js'
import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js'
import { invalidArgument, toServiceError } from '../../protocol/errors.ts'
import { encodeReadEvent, type UuidForm } from '../../protocol/read-messages.ts'
import { lengthDelimited } from '../../protocol/wire.ts'
import { uuidText } from '../../storage/record.ts'
import { openOutlet } from '../outlet.ts'
import { clamped } from '../reading.ts'
import { unary } from '../unary.ts'
import type { Consumer } from './consumer.ts'
import type { NackAction, SubscriptionGroup } from './group.ts'
import { subscriptionInfo } from './info.ts'
import {
  doesNotExist,
  dropped,
  maximumSubscribersReached,
  type SubscriptionRegistry,
  subscriptionFailed,
} from './registry.ts'
import { ALL, readSettings, readSource } from './settings.ts'

type NamesGroup = {
  hasAll: () => boolean
  getStreamIdentifier: () => StreamIdentifier | undefined
  getGroupName: () => string
}

function sourceOf(options: NamesGroup): string {
  if (options.hasAll()) return ALL
  const source = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')
  if (source === '') throw invalidArgument('the name of the stream is missing')
  if (source === ALL) throw doesNotExist(source, options.getGroupName())
  return source
}

/** What a request to create or change a group says, and the settings that it asks for. */
function wishes(options: CreateReq.Options | UpdateReq.Options) {
  const source = readSource(options)
  const refusal = (reason: string) => subscriptionFailed(source.source, options.getGroupName(), reason)
  return { source, settings: readSettings(options.getSettings(), refusal) }
}

function required<T>(options: T | undefined): T {
  if (options === undefined) throw invalidArgument('the options are missing')
  return options
}

function idsOf(ids: readonly UUID[]): string[] {
  return ids.map((id) => {
    const structured = id.getStructured()
    if (!structured) return id.getString().toLowerCase()
    const bytes = Buffer.alloc(16)
    bytes.writeBigInt64BE(BigInt(structured.getMostSignificantBits()), 0)
    bytes.writeBigInt64BE(BigInt(structured.getLeastSignificantBits()), 8)
    return uuidText(bytes)
  })
}

const NACK_ACTIONS: readonly NackAction[] = ['unknown', 'park', 'retry', 'skip', 'stop']

function connect(registry: SubscriptionRegistry, call: ServerDuplexStream<ReadReq, Buffer>, options: ReadReq.Options) {
  const source = sourceOf(options)
  const group = registry.get(source, options.getGroupName())
  if (source !== ALL && registry.isDeleted(source)) throw dropped(source, options.getGroupName())
  const { maxSubscriberCount } = group.config.settings
  if (maxSubscriberCount > 0 && group.consumers.length >= maxSubscriberCount) {
    throw maximumSubscribersReached(source, options.getGroupName())
  }
  const outlet = openOutlet(call as unknown as ServerDuplexStream<Buffer, Buffer[]>)
  const form: UuidForm = options.getUuidOption()?.hasString() ? 'string' : 'structured'
  const consumer: Consumer = {
    connectionName: String(call.metadata.get('connection-name')[0] ?? ''),
    from: call.getPeer(),
    bufferSize: Math.max(1, options.getBufferSize()),
    inFlight: new Map(),
    totalItems: 0,
    countSinceLastMeasurement: 0,
    connectedAtMs: Date.now(),
    latenciesMs: [],
    // What is in flight is bounded by the consumer's buffer, so that nothing has to wait here.
    send: (message) => void outlet.send(encodeReadEvent(message.resolved, form, message.retryCount)),
    drop: (reason) => {
      if (outlet.isOpen()) call.emit('error', toServiceError(reason))
    },
  }
  outlet.onClose(() => group.disconnect(consumer))
  const id = `${source}::${options.getGroupName()}`
  void outlet.send(lengthDelimited(2, lengthDelimited(1, Buffer.from(id))))
  group.connect(consumer)
  return { group, consumer }
}

function readHandler(registry: SubscriptionRegistry) {
  return (call: ServerDuplexStream<ReadReq, Buffer>): void => {
    let connected: { group: SubscriptionGroup; consumer: Consumer } | undefined
    call.on('data', (request: ReadReq) => {
      try {
        const options = request.getOptions()
        if (options && !connected) connected = connect(registry, call, options)
        if (!connected) throw invalidArgument('the first message must name the subscription')
        const { group, consumer } = connected
        const ack = request.getAck()
        if (ack) group.acknowledge(consumer, idsOf(ack.getIdsList()))
        const nack = request.getNack()
        if (!nack) return
        const action = NACK_ACTIONS[nack.getAction()] ?? 'unknown'
        group.refuse(consumer, idsOf(nack.getIdsList()), action, nack.getReason())
      } catch (error) {
        call.emit('error', toServiceError(error))
      }
    })
    call.on('end', () => call.end())
  }
}

function listOf(registry: SubscriptionRegistry, request: ListReq): InstanceType<typeof persistentPb.ListResp> {
  const options = required(request.getOptions())
  const ofStream = options.getListForStream()
  const source = ofStream
    ? ofStream.hasAll()
      ? ALL
      : Buffer.from(ofStream.getStream()?.getStreamName_asU8() ?? []).toString('utf8')
    : undefined
  if (!ofStream && !options.hasListAllSubscriptions()) throw invalidArgument('the request does not say what to list')
  const groups = registry.list(source)
  if (source !== undefined && groups.length === 0) throw doesNotExist(source, '')
  const answer = new persistentPb.ListResp()
  answer.setSubscriptionsList(groups.map(subscriptionInfo))
  return answer
}

export function persistentSubscriptionsService(registry: SubscriptionRegistry): UntypedServiceImplementation {
  return {
    create: unary(async (request: CreateReq) => {
      const options = required(request.getOptions())
      const { source, settings } = wishes(options)
      await registry.create(source, options.getGroupName(), settings)
      return new persistentPb.CreateResp()
    }),
    update: unary(async (request: UpdateReq) => {
      const options = required(request.getOptions())
      const { source, settings } = wishes(options)
      await registry.update(source, options.getGroupName(), settings)
      return new persistentPb.UpdateResp()
    }),
    delete: unary(async (request: DeleteReq) => {
      const options = required(request.getOptions())
      await registry.remove(sourceOf(options), options.getGroupName())
      return new persistentPb.DeleteResp()
    }),
    getInfo: unary((request: GetInfoReq) => {
      const options = required(request.getOptions())
      const answer = new persistentPb.GetInfoResp()
      answer.setSubscriptionInfo(subscriptionInfo(registry.get(sourceOf(options), options.getGroupName())))
      return answer
    }),
    list: unary((request: ListReq) => listOf(registry, request)),
    replayParked: unary(async (request: ReplayParkedReq) => {
      const options = required(request.getOptions())
      const stopAt = options.hasStopAt() ? clamped(BigInt(options.getStopAt())) : Number.MAX_SAFE_INTEGER
      await registry.get(sourceOf(options), options.getGroupName()).replayParked(stopAt)
      return new persistentPb.ReplayParkedResp()
    }),
    restartSubsystem: unary(async () => {
      await registry.restart()
      return new sharedPb.Empty()
    }),
    read: readHandler(registry),
  } as UntypedServiceImplementation
}
