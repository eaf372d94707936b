/** The requests of Read, decoded by hand and refused where they leave open what is asked for. */
import { INT64_MAX } from '../storage/stream-metadata.ts'
import { invalidArgument } from './errors.ts'
import type { UuidForm } from './read-messages.ts'
import { WireReader } from './wire.ts'

const UINT64_MAX = 18_446_744_073_709_551_615n

export type ReadFrom = 'start' | 'end' | bigint

export type FilterRequest = {
  on: 'stream' | 'type'
  regex: string
  prefixes: string[]
  maxSearchWindow: number | undefined
  checkpointMultiplier: number
}

export type ReadRequest = {
  /** undefined reads $all. */
  stream: string | undefined
  /** A revision, or the commit part of a position. */
  from: ReadFrom
  backwards: boolean
  resolveLinks: boolean
  /** undefined subscribes. */
  count: bigint | undefined
  filter: FilterRequest | undefined
  uuidForm: UuidForm
  /** The client knows the answers that name a stream's first and last revision. */
  wantsStreamPositions: boolean
}

/** What a request said so far; each part is undefined where it is missing. */
type Parts = {
  of: { stream: string | undefined } | 'all' | undefined
  from: ReadFrom | undefined
  prepare: bigint | undefined
  direction: number
  resolveLinks: boolean
  count: bigint | 'subscription' | undefined
  filter: FilterRequest | 'none' | undefined
  uuidForm: UuidForm
  compatibility: number
}

function readStreamOptions(reader: WireReader, parts: Parts): void {
  const of: { stream: string | undefined } = { stream: undefined }
  parts.of = of
  while (reader.next()) {
    if (reader.field === 1) {
      const identifier = reader.message()
      while (identifier.next()) {
        if (identifier.field === 3) of.stream = identifier.string()
        else identifier.skip()
      }
    } else if (reader.field === 2) parts.from = reader.bigint()
    else {
      if (reader.field === 3) parts.from = 'start'
      else if (reader.field === 4) parts.from = 'end'
      reader.skip()
    }
  }
}

function readAllOptions(reader: WireReader, parts: Parts): void {
  parts.of = 'all'
  while (reader.next()) {
    if (reader.field === 1) {
      const position = reader.message()
      parts.from = 0n
      parts.prepare = 0n
      while (position.next()) {
        if (position.field === 1) parts.from = position.bigint()
        else if (position.field === 2) parts.prepare = position.bigint()
        else position.skip()
      }
    } else {
      if (reader.field === 2) parts.from = 'start'
      else if (reader.field === 3) parts.from = 'end'
      reader.skip()
    }
  }
}

function readFilter(reader: WireReader): FilterRequest {
  const filter: FilterRequest = {
    on: 'type',
    regex: '',
    prefixes: [],
    maxSearchWindow: undefined,
    checkpointMultiplier: 0,
  }
  let hasKind = false
  let hasWindow = false
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) {
      hasKind = true
      filter.on = reader.field === 1 ? 'stream' : 'type'
      const expression = reader.message()
      while (expression.next()) {
        if (expression.field === 1) filter.regex = expression.string()
        else if (expression.field === 2) filter.prefixes.push(expression.string())
        else expression.skip()
      }
    } else if (reader.field === 3) {
      hasWindow = true
      filter.maxSearchWindow = reader.number()
    } else if (reader.field === 4) {
      hasWindow = true
      reader.skip()
    } else if (reader.field === 5) filter.checkpointMultiplier = reader.number()
    else reader.skip()
  }
  if (!hasKind) throw invalidArgument('the filter says neither stream names nor event types')
  if (!hasWindow) throw invalidArgument('the filter names no search window')
  return filter
}

function readOptions(reader: WireReader): Parts {
  const parts: Parts = {
    of: undefined,
    from: undefined,
    prepare: undefined,
    direction: 0,
    resolveLinks: false,
    count: undefined,
    filter: undefined,
    uuidForm: 'structured',
    compatibility: 0,
  }
  while (reader.next()) {
    if (reader.field === 1) readStreamOptions(reader.message(), parts)
    else if (reader.field === 2) readAllOptions(reader.message(), parts)
    else if (reader.field === 3) parts.direction = reader.number()
    else if (reader.field === 4) parts.resolveLinks = reader.number() !== 0
    else if (reader.field === 5) parts.count = reader.bigint()
    else if (reader.field === 7) parts.filter = readFilter(reader.message())
    else if (reader.field === 9 || reader.field === 10) readFormOptions(reader.field, reader.message(), parts)
    else {
      if (reader.field === 6) parts.count = 'subscription'
      else if (reader.field === 8) parts.filter = 'none'
      reader.skip()
    }
  }
  return parts
}

/** How the client wants ids, and which answers it knows. */
function readFormOptions(field: number, reader: WireReader, parts: Parts): void {
  while (reader.next()) {
    if (field === 10 && reader.field === 1) {
      parts.compatibility = reader.number()
      continue
    }
    if (field === 9) parts.uuidForm = reader.field === 2 ? 'string' : 'structured'
    reader.skip()
  }
}

/** @throws INVALID_ARGUMENT where something is missing that a reader must say, or the parts do not go together. */
export function decodeReadRequest(buffer: Buffer): ReadRequest {
  const outer = new WireReader(buffer)
  let parts: Parts | undefined
  while (outer.next()) {
    if (outer.field === 1) parts = readOptions(outer.message())
    else outer.skip()
  }
  if (!parts) throw invalidArgument('the options are missing')
  const { of, count, filter, direction } = parts
  if (of === undefined) throw invalidArgument('the request names neither a stream nor $all')
  const stream = of === 'all' ? undefined : of.stream
  if (of !== 'all' && !stream) throw invalidArgument('the name of the stream is missing')
  const backwards = direction === 1
  if (direction > 1) throw invalidArgument(`there is no direction ${direction}`)
  if (count === undefined) throw invalidArgument('the request says neither how much to read nor to subscribe')
  if (filter === undefined) throw invalidArgument('the request says neither a filter nor that there is none')
  if (filter !== 'none' && of !== 'all') throw invalidArgument('only $all can be filtered')
  const subscribes = count === 'subscription'
  if (subscribes && backwards) throw invalidArgument('a subscription cannot go backwards')
  if (subscribes && filter !== 'none' && filter.checkpointMultiplier === 0) {
    throw invalidArgument('the checkpoint interval must be greater than 0')
  }
  return {
    stream,
    from: startOf(parts),
    backwards,
    resolveLinks: parts.resolveLinks,
    count: subscribes ? undefined : count,
    filter: filter === 'none' ? undefined : filter,
    uuidForm: parts.uuidForm,
    wantsStreamPositions: parts.compatibility >= 1,
  }
}

/** The largest number stands for the end, as older clients send it. */
function startOf({ from, prepare }: Parts): ReadFrom {
  if (from === undefined) throw invalidArgument('the request does not say where to begin')
  if (typeof from === 'string') return from
  if (prepare === undefined) return from === UINT64_MAX ? 'end' : from
  if (from === UINT64_MAX && prepare === UINT64_MAX) return 'end'
  if (from < prepare) throw invalidArgument('the commit position is less than the prepare position')
  if (from > INT64_MAX && from !== UINT64_MAX) throw invalidArgument('the position is larger than any can be')
  return from
}
