/**
 * What a persistent subscription was created with, as the node keeps it: one JSON document for all of them, appended to
 * a system stream at each change, as EventStoreDB does.
 */
import type { CreateReq, UpdateReq } from '@eventstore/db-client/generated/persistent_pb.js'
import { invalidArgument } from '../../protocol/errors.ts'
import type { FilterRequest } from '../../protocol/read-requests.ts'

export const STRATEGIES = ['DispatchToSingle', 'RoundRobin', 'Pinned', 'PinnedByCorrelation'] as const
export type StrategyName = (typeof STRATEGIES)[number]

export type SubscriptionSettings = {
  resolveLinks: boolean
  extraStatistics: boolean
  messageTimeoutMs: number
  maxRetryCount: number
  checkpointAfterMs: number
  minCheckpointCount: number
  maxCheckpointCount: number
  /** 0 is without bound. */
  maxSubscriberCount: number
  liveBufferSize: number
  readBatchSize: number
  historyBufferSize: number
  strategy: StrategyName
}

/** One subscription group. `source` is a stream's name or `$all`. */
export type SubscriptionConfig = {
  source: string
  group: string
  /** As the client asked: a revision or position in text, `start` or `end`. */
  startFrom: string
  /** The first revision or position to deliver, where there is no checkpoint; the end is resolved at creation. */
  firstToRead: number
  filter: FilterRequest | undefined
  settings: SubscriptionSettings
}

export const ALL = '$all'

const TICKS_PER_MS = 10_000
/** An interval of 0 stands for this one. */
const NEVER_MS = 2 ** 31 - 1

/** What makes an error of the reason why a subscription cannot be so. */
type Refusal = (reason: string) => Error

function strategyOf(settings: CreateReq.Settings | UpdateReq.Settings, refusal: Refusal): StrategyName {
  const named = 'getConsumerStrategy' in settings ? settings.getConsumerStrategy() : ''
  const number = settings.getNamedConsumerStrategy()
  const known = named === '' ? STRATEGIES[number] : STRATEGIES.find((strategy) => strategy === named)
  if (!known) throw refusal(`Consumer strategy ${named || number} does not exist.`)
  return known
}

/** @throws INVALID_ARGUMENT without settings, and what `refusal` makes of settings that cannot be. */
export function readSettings(
  settings: CreateReq.Settings | UpdateReq.Settings | undefined,
  refusal: Refusal,
): SubscriptionSettings {
  if (!settings) throw invalidArgument('the settings are missing')
  const checkpointAfterMs = settings.hasCheckpointAfterTicks()
    ? Number(settings.getCheckpointAfterTicks()) / TICKS_PER_MS
    : settings.getCheckpointAfterMs()
  const read: SubscriptionSettings = {
    resolveLinks: settings.getResolveLinks(),
    extraStatistics: settings.getExtraStatistics(),
    messageTimeoutMs: settings.hasMessageTimeoutTicks()
      ? Number(settings.getMessageTimeoutTicks()) / TICKS_PER_MS
      : settings.getMessageTimeoutMs(),
    maxRetryCount: settings.getMaxRetryCount(),
    checkpointAfterMs: checkpointAfterMs === 0 ? NEVER_MS : checkpointAfterMs,
    minCheckpointCount: settings.getMinCheckpointCount(),
    maxCheckpointCount: settings.getMaxCheckpointCount(),
    maxSubscriberCount: settings.getMaxSubscriberCount(),
    liveBufferSize: settings.getLiveBufferSize(),
    readBatchSize: settings.getReadBatchSize(),
    historyBufferSize: settings.getHistoryBufferSize(),
    strategy: strategyOf(settings, refusal),
  }
  if (read.readBatchSize >= read.historyBufferSize) {
    throw refusal(
      "Specified argument was out of the range of valid values. (Parameter 'ReadBatchSize may not be greater than or equal to BufferSize')",
    )
  }
  return read
}

/** Where the client wants the subscription to begin, in text, and the filter of one to $all. */
export type SourceOptions = { source: string; startFrom: string; filter: FilterRequest | undefined }

/** Reads either request; an update has no filter, since that cannot be changed. */
export function readSource(options: CreateReq.Options | UpdateReq.Options): SourceOptions {
  const all = options.getAll()
  if (all) {
    return {
      source: ALL,
      startFrom: allStart(all),
      filter: 'getFilter' in all ? readFilter(all.getFilter()) : undefined,
    }
  }
  const stream = options.getStream()
  const identifier = stream?.getStreamIdentifier() ?? options.getStreamIdentifier()
  const source = Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8')
  if (source === '') throw invalidArgument('the name of the stream is missing')
  if (source === ALL) throw invalidArgument('$all is not a stream')
  const startFrom = stream ? streamStart(stream) : oldStart(options.getSettings()?.getRevision() ?? '0')
  return { source, startFrom, filter: undefined }
}

function allStart(all: CreateReq.AllOptions | UpdateReq.AllOptions): string {
  if (all.hasEnd()) return 'end'
  const position = all.getPosition()
  if (!position && !all.hasStart()) throw invalidArgument('the request does not say where to begin')
  if (!position) return 'start'
  if (BigInt(position.getPreparePosition()) > BigInt(position.getCommitPosition())) {
    throw invalidArgument('the commit position is less than the prepare position')
  }
  return position.getCommitPosition()
}

function streamStart(stream: CreateReq.StreamOptions | UpdateReq.StreamOptions): string {
  if (stream.hasEnd()) return 'end'
  if (stream.hasRevision()) return stream.getRevision()
  if (!stream.hasStart()) throw invalidArgument('the request does not say where to begin')
  return 'start'
}

/** db-client 6.2.1 still sends the revision with the settings, and the largest number for the end. */
function oldStart(revision: string): string {
  if (revision === '18446744073709551615') return 'end'
  return revision === '0' ? 'start' : revision
}

function readFilter(filter: CreateReq.AllOptions.FilterOptions | undefined): FilterRequest | undefined {
  if (!filter) return undefined
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  return {
    on: byStream ? 'stream' : 'type',
    regex: expression?.getRegex() ?? '',
    prefixes: expression?.getPrefixList() ?? [],
    maxSearchWindow: filter.hasMax() ? filter.getMax() : undefined,
    checkpointMultiplier: filter.getCheckpointintervalmultiplier(),
  }
}
