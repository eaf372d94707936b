/** What the probes ask with: the official client and the bare protocol, and their answers as plain JSON without positions, times and random ids. */

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const db = require('@eventstore/db-client')
const grpc = require('@grpc/grpc-js')
const pb = (name) => require(`@eventstore/db-client/generated/${name}`)
const S = pb('streams_pb')
const P = pb('persistent_pb')
const SH = pb('shared_pb')
const _ST = pb('status_pb')
const { StreamsClient, StreamsService } = pb('streams_grpc_pb')
const { PersistentSubscriptionsClient } = pb('persistent_grpc_pb')
const GEmpty = require('google-protobuf/google/protobuf/empty_pb').Empty
const GTimestamp = require('google-protobuf/google/protobuf/timestamp_pb').Timestamp

/** Different in each run, so that a server can be asked again and again. */
const RUN = process.env.PROBES_RUN
const TIMEOUT_MS = 10_000
/** How much longer than usual the probes wait, for a busy machine. */
const PACE = Number(process.env.PROBES_PACE ?? 1)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms * PACE))
// ---------------------------------------------------------------- values

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?/g

function normalise(value, ctx) {
  if (typeof value === 'bigint') return `${value}n`
  if (value === undefined) return '(undefined)'
  if (typeof value === 'string') {
    return value
      .replaceAll(ctx.prefix, '~')
      .replaceAll(`${ctx.host}:${ctx.port}`, 'HOST')
      .replaceAll('00000000-0000-0000-0000-000000000000', '<zeros>')
      .replace(UUID, '<uuid>')
      .replace(ISO, '<time>')
      .slice(0, 600)
  }
  if (Array.isArray(value)) return value.map((each) => normalise(each, ctx))
  if (value && typeof value === 'object') {
    if (Buffer.isBuffer(value) || value instanceof Uint8Array)
      return `hex:${Buffer.from(value).toString('hex').slice(0, 200)}`
    return Object.fromEntries(Object.keys(value).map((key) => [normalise(key, ctx), normalise(value[key], ctx)]))
  }
  return value
}

const HIDDEN_TRAILERS = new Set([
  'content-type',
  'date',
  'server',
  'content-length',
  'grpc-status',
  'grpc-message',
  'transfer-encoding',
])
function trailersOf(metadata) {
  const map = metadata?.getMap?.() ?? {}
  return Object.fromEntries(
    Object.entries(map)
      .filter(([key]) => !HIDDEN_TRAILERS.has(key))
      .map(([key, value]) => [key, String(value)])
      .sort(),
  )
}

/** An error as a client program sees it. */
function err(error) {
  if (error === undefined || error === null) return String(error)
  const raw = error._raw ?? error
  const out = { error: error.constructor?.name ?? typeof error }
  if (error.type) out.type = error.type
  const code = error.code ?? raw.code
  if (typeof code === 'number') out.code = `${code} ${grpc.status[code]}`
  else if (code) out.code = code
  const text = raw.details ?? error.message
  if (text) out.text = text
  const trailers = trailersOf(raw.metadata)
  if (Object.keys(trailers).length > 0) out.trailers = trailers
  for (const key of [
    'expectedVersion',
    'actualVersion',
    'streamName',
    'groupName',
    'maxAppendSize',
    'requiredMetadataProperties',
    'reason',
    'LoginName',
    'scavengeId',
  ]) {
    if (error[key] !== undefined)
      out[key] = error[key] instanceof Uint8Array ? Buffer.from(error[key]).toString() : error[key]
  }
  return out
}
const attempt = async (work) => {
  try {
    return await work()
  } catch (error) {
    return err(error)
  }
}
/** Short form of an error where its shape is not the point. */
const brief = (error) => {
  const e = err(error)
  if (e.type === 'wrong-expected-version') return `wrong(expected ${e.expectedVersion}, actual ${e.actualVersion})`
  return `${e.type ?? e.error}${e.code ? ` ${e.code}` : ''}${e.text ? `: ${String(e.text).slice(0, 160)}` : ''}`
}
const tried = async (work) => {
  try {
    return await work()
  } catch (error) {
    return brief(error)
  }
}
const within = (promise, ms, value = 'timeout') => {
  let timer
  return Promise.race([
    promise,
    new Promise((resolve) => {
      timer = setTimeout(() => resolve(value), ms * PACE)
    }),
  ]).finally(() => clearTimeout(timer))
}

// ---------------------------------------------------------------- raw protocol

const emptyOf = () => new SH.Empty()
function identifier(name) {
  const id = new SH.StreamIdentifier()
  id.setStreamName(Buffer.from(name))
  return id
}
function uuidOf(text) {
  const id = new SH.UUID()
  id.setString(text)
  return id
}
const nameOf = (id) => (id ? Buffer.from(id.getStreamName_asU8()).toString('utf8') : '(none)')
function uuidShape(id) {
  if (!id) return '(none)'
  if (id.hasStructured()) return 'structured'
  return 'string'
}
function uuidValue(id) {
  if (!id) return '(none)'
  if (!id.hasStructured()) return id.getString()
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(id.getStructured().getMostSignificantBits())), 0)
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(id.getStructured().getLeastSignificantBits())), 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const _caseName = (message, cases) => Object.keys(cases).find((key) => cases[key] === message)

function proposed(
  Type,
  { id, type = 'T', contentType = 'application/json', data = '{}', meta = '', idMessage, noId, metadata },
) {
  const message = new Type()
  if (!noId) message.setId(idMessage ?? uuidOf(id))
  if (metadata) for (const [k, v] of Object.entries(metadata)) message.getMetadataMap().set(k, v)
  else {
    message.getMetadataMap().set('type', type)
    message.getMetadataMap().set('content-type', contentType)
  }
  message.setData(Buffer.isBuffer(data) ? data : Buffer.from(data))
  message.setCustomMetadata(Buffer.isBuffer(meta) ? meta : Buffer.from(meta))
  return message
}
function setExpected(options, expected, revisionSetter, Empty) {
  if (expected === 'any') options.setAny(new Empty())
  else if (expected === 'no_stream') options.setNoStream(new Empty())
  else if (expected === 'stream_exists') options.setStreamExists(new Empty())
  else if (expected !== undefined) options[revisionSetter](String(expected))
}
function appendOptions(stream, expected) {
  const options = new S.AppendReq.Options()
  if (stream !== undefined) options.setStreamIdentifier(identifier(stream))
  setExpected(options, expected, 'setRevision', SH.Empty)
  return options
}
function oneofs(message, names) {
  const out = {}
  for (const name of names) {
    const cap = name[0].toUpperCase() + name.slice(1)
    const has = message[`has${cap}`]
    if (has ? has.call(message) : false) {
      const value = message[`get${cap}`]()
      out[name] = typeof value === 'object' ? true : value
    }
  }
  return out
}
const WEV_OLD = ['currentRevision2060', 'noStream2060', 'expectedRevision2060', 'any2060', 'streamExists2060']
const WEV = [
  'currentRevision',
  'currentNoStream',
  'expectedRevision',
  'expectedAny',
  'expectedStreamExists',
  'expectedNoStream',
]
function appendAnswer(answer, old) {
  if (answer.hasSuccess())
    return {
      success: oneofs(positionless(answer.getSuccess()), ['currentRevision', 'noStream', 'position', 'noPosition']),
    }
  if (answer.hasWrongExpectedVersion()) return { wrong: oneofs(answer.getWrongExpectedVersion(), old ? WEV_OLD : WEV) }
  return 'empty answer'
}
const positionless = (message) => message

/** The Append call: the messages as they are given, then the end. */
function rawAppend(ctx, stream, expected, events, { messages, metadata, deadline, old } = {}) {
  return new Promise((resolve) => {
    const call = ctx.streams.append(
      metadata ?? new grpc.Metadata(),
      { deadline: deadline ?? Infinity },
      (error, answer) => resolve(error ? err(error) : appendAnswer(answer, old)),
    )
    call.on('error', () => undefined)
    const list = messages ?? [
      appendMessage({ options: appendOptions(stream, expected) }),
      ...events.map((event) => appendMessage({ event })),
    ]
    for (const message of list) call.write(message)
    call.end()
  })
}
function appendMessage({ options, event }) {
  const message = new S.AppendReq()
  if (options) message.setOptions(options)
  if (event) message.setProposedMessage(proposed(S.AppendReq.ProposedMessage, event))
  return message
}

function batchMessage({
  correlation,
  noCorrelation,
  stream,
  expected,
  deadline,
  events = [],
  final = true,
  noOptions,
  noStream,
}) {
  const message = new S.BatchAppendReq()
  if (!noCorrelation) message.setCorrelationId(typeof correlation === 'string' ? uuidOf(correlation) : correlation)
  if (!noOptions) {
    const options = new S.BatchAppendReq.Options()
    if (!noStream) options.setStreamIdentifier(identifier(stream))
    setExpected(options, expected, 'setStreamPosition', GEmpty)
    if (deadline) options.setDeadline(deadline)
    message.setOptions(options)
  }
  for (const event of events) message.addProposedMessages(proposed(S.BatchAppendReq.ProposedMessage, event))
  message.setIsFinal(final)
  return message
}
const DETAIL_TYPES = {
  WrongExpectedVersion: (bytes) =>
    oneofs(SH.WrongExpectedVersion.deserializeBinary(bytes), [
      'currentStreamRevision',
      'currentNoStream',
      'expectedStreamPosition',
      'expectedAny',
      'expectedStreamExists',
      'expectedNoStream',
    ]),
  StreamDeleted: (bytes) => ({ stream: nameOf(SH.StreamDeleted.deserializeBinary(bytes).getStreamIdentifier()) }),
  MaximumAppendSizeExceeded: (bytes) => ({
    max: SH.MaximumAppendSizeExceeded.deserializeBinary(bytes).getMaxappendsize(),
  }),
  BadRequest: (bytes) => ({ text: SH.BadRequest.deserializeBinary(bytes).getMessage() }),
}
function batchAnswer(answer, names) {
  const out = {
    of: names.get(uuidValue(answer.getCorrelationId())) ?? 'other',
    idForm: uuidShape(answer.getCorrelationId()),
  }
  if (answer.hasStreamIdentifier()) out.stream = nameOf(answer.getStreamIdentifier())
  // The echoed expectation has a probe of its own, append.answer-fields, as it differs in every answer.
  const echoed = oneofs(answer, ['streamPosition', 'noStream', 'any', 'streamExists'])
  if (names.echo) out.expected = echoed
  if (answer.hasSuccess())
    out.success = oneofs(answer.getSuccess(), ['currentRevision', 'noStream', 'position', 'noPosition'])
  if (answer.hasError()) {
    const error = answer.getError()
    const any = error.getDetails()
    const type = any?.getTypeUrl() ?? '(none)'
    out.status = { code: error.getCode(), text: error.getMessage(), detail: type }
    const reader = DETAIL_TYPES[type.split('.').pop()]
    if (reader) out.status.fields = reader(any.getValue_asU8())
  }
  return out
}
/** One BatchAppend call; ends it after `endAfter` ms of the last write, answers with all that came. */
async function rawBatch(
  ctx,
  list,
  { waitMs = 400, expect = list.length, raw = false, gapMs = 0, end = true, echo = false } = {},
) {
  const call = raw ? ctx.rawBatchCall() : ctx.streams.batchAppend(new grpc.Metadata(), { deadline: Infinity })
  const answers = []
  const names = new Map()
  names.echo = echo
  let over
  const done = new Promise((resolve) => {
    over = resolve
  })
  call.on('data', (answer) => {
    answers.push(batchAnswer(raw ? S.BatchAppendResp.deserializeBinary(answer) : answer, names))
    if (answers.length >= expect) setTimeout(() => over(undefined), 60 * PACE)
  })
  let ended = 'open'
  call.on('error', (error) => {
    ended = err(error)
    over()
  })
  call.on('end', () => {
    if (ended === 'open') ended = 'ended'
    over()
  })
  for (const each of list) {
    if (each.name) names.set(each.correlation, each.name)
    call.write(each.bytes ?? batchMessage(each))
    if (gapMs) await sleep(gapMs)
  }
  await within(done, waitMs)
  const openBefore = ended
  if (end && ended === 'open') {
    call.end()
    await within(
      new Promise((resolve) => {
        call.on('end', resolve)
        call.on('error', resolve)
      }),
      300,
    )
  }
  const result = { answers, before: openBefore, after: ended }
  call.cancel()
  return result
}

function ev(event) {
  if (!event) return '-'
  return `${event.getStreamRevision()}@${nameOf(event.getStreamIdentifier())}:${event.getMetadataMap().get('type')}`
}
function compact(m) {
  if (m.hasEvent()) {
    const e = m.getEvent()
    return e.hasLink() ? `${ev(e.getEvent())} <- ${ev(e.getLink())}` : ev(e.getEvent())
  }
  if (m.hasConfirmation()) return 'confirmed'
  if (m.hasCheckpoint()) return 'checkpoint'
  if (m.hasStreamNotFound()) return `not-found ${nameOf(m.getStreamNotFound().getStreamIdentifier())}`
  if (m.hasFirstStreamPosition?.()) return `first ${m.getFirstStreamPosition()}`
  if (m.hasLastStreamPosition?.()) return `last ${m.getLastStreamPosition()}`
  if (m.hasLastAllStreamPosition?.()) return 'lastAll'
  if (m.hasCaughtUp?.()) return 'caught-up'
  if (m.hasFellBehind?.()) return 'fell-behind'
  return 'unknown message'
}
function readRequest(o) {
  const options = new S.ReadReq.Options()
  if (o.stream !== undefined) {
    const stream = new S.ReadReq.Options.StreamOptions()
    if (o.stream !== null) stream.setStreamIdentifier(identifier(o.stream))
    if (o.from === 'end') stream.setEnd(emptyOf())
    else if (o.from === undefined || o.from === 'start') stream.setStart(emptyOf())
    else if (o.from !== 'none') stream.setRevision(String(o.from))
    options.setStream(stream)
  } else if (o.all) {
    const all = new S.ReadReq.Options.AllOptions()
    if (o.from === 'end') all.setEnd(emptyOf())
    else if (o.from === undefined || o.from === 'start') all.setStart(emptyOf())
    else if (o.from !== 'none') {
      const position = new S.ReadReq.Options.Position()
      position.setCommitPosition(String(o.from.commit))
      position.setPreparePosition(String(o.from.prepare))
      all.setPosition(position)
    }
    options.setAll(all)
  }
  options.setReadDirection(o.backwards ? 1 : 0)
  options.setResolveLinks(Boolean(o.links))
  if (o.subscribe) options.setSubscription(new S.ReadReq.Options.SubscriptionOptions())
  else if (o.count !== undefined) options.setCount(String(o.count))
  if (o.filter) {
    const filter = new S.ReadReq.Options.FilterOptions()
    const expression = new S.ReadReq.Options.FilterOptions.Expression()
    if (o.filter.regex !== undefined) expression.setRegex(o.filter.regex)
    if (o.filter.prefixes) expression.setPrefixList(o.filter.prefixes)
    if (o.filter.on === 'stream') filter.setStreamIdentifier(expression)
    else if (o.filter.on === 'type') filter.setEventType(expression)
    if (o.filter.max !== undefined) filter.setMax(o.filter.max)
    else if (!o.filter.noWindow) filter.setCount(emptyOf())
    if (o.filter.interval !== undefined) filter.setCheckpointintervalmultiplier(o.filter.interval)
    options.setFilter(filter)
  } else if (!o.noFilterOption) options.setNoFilter(emptyOf())
  const uuid = new S.ReadReq.Options.UUIDOption()
  if (o.uuid === 'structured') uuid.setStructured(emptyOf())
  else uuid.setString(emptyOf())
  if (o.uuid !== 'none') options.setUuidOption(uuid)
  if (o.compat !== undefined) {
    const control = new S.ReadReq.Options.ControlOption()
    control.setCompatibility(o.compat)
    options.setControlOption(control)
  }
  const request = new S.ReadReq()
  request.setOptions(options)
  return request
}
/** Reads or subscribes; `ms` is how long an open call is listened to; `keep` chooses the events that are ours. */
async function rawRead(ctx, o, { ms = 2500, keep, act, messages = false, idle = 0, metadata } = {}) {
  const call = ctx.streams.read(o.request ?? readRequest(o), metadata ?? new grpc.Metadata(), { deadline: Infinity })
  const got = []
  const raw = []
  let over
  const done = new Promise((resolve) => {
    over = resolve
  })
  let status = 'open'
  let timer
  call.on('data', (m) => {
    if (keep && m.hasEvent() && !keep(m.getEvent())) return
    got.push(compact(m))
    raw.push(m)
    if (idle) {
      clearTimeout(timer)
      timer = setTimeout(over, idle * PACE)
    }
  })
  call.on('error', (error) => {
    status = err(error)
    over()
  })
  call.on('end', () => {
    if (status === 'open') status = 'ended'
    over()
  })
  if (act) {
    await sleep(350)
    await act()
  }
  await within(done, ms)
  clearTimeout(timer)
  const result = { got: status === 'open' && got.length === 0 ? ['nothing'] : got, status }
  call.on('error', () => undefined)
  call.cancel()
  return messages ? { ...result, raw } : result
}
const line = (result) =>
  `${result.got.join(' | ')}${result.status === 'ended' ? '' : ` => ${typeof result.status === 'string' ? result.status : `${result.status.code}: ${String(result.status.text).slice(0, 200)}${result.status.trailers ? ` ${JSON.stringify(result.status.trailers)}` : ''}`}`}`
const ours = (ctx) => (event) =>
  [event.getEvent(), event.getLink()].some((each) => each && nameOf(each.getStreamIdentifier()).includes(ctx.prefix))
const readLine = async (ctx, o, extra) => line(await rawRead(ctx, o, extra))
const subLine = async (ctx, o, extra = {}) => line(await rawRead(ctx, { ...o, subscribe: true }, { ms: 600, ...extra }))

// ---------------------------------------------------------------- context

function contextOf(url, name) {
  const { hostname, port } = new URL(url.replace('esdb:', 'http:'))
  const address = `${hostname}:${port}`
  const prefix = `d${RUN}${createHash('sha1').update(name).digest('hex').slice(0, 6)}`
  const clients = []
  const newClient = (query = '') => {
    const client = db.EventStoreDBClient.connectionString(`${url}${query}`)
    clients.push(client)
    return client
  }
  let client
  const channelOptions = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }
  const streams = new StreamsClient(address, grpc.credentials.createInsecure(), channelOptions)
  const persistent = new PersistentSubscriptionsClient(address, grpc.credentials.createInsecure(), channelOptions)
  const opened = [streams, persistent]
  const ctx = {
    url,
    host: hostname,
    port,
    address,
    prefix,
    streams,
    persistent,
    newClient,
    get client() {
      client ??= newClient('&throwOnAppendFailure=true')
      return client
    },
    s: (suffix) => `${prefix}-${suffix}`,
    /** The same ids at both ends. */
    id: (label) => {
      const hex = createHash('sha1').update(`${prefix}/${label}`).digest('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    },
    grpcClient: (Type, options) => {
      const c = new Type(address, grpc.credentials.createInsecure(), { ...channelOptions, ...options })
      opened.push(c)
      return c
    },
    rawBatchCall: () => {
      const Raw = grpc.makeGenericClientConstructor(
        { batchAppend: { ...StreamsService.batchAppend, requestSerialize: (b) => b, responseDeserialize: (b) => b } },
        'x',
      )
      const c = new Raw(address, grpc.credentials.createInsecure(), channelOptions)
      opened.push(c)
      return c.batchAppend(new grpc.Metadata(), { deadline: Infinity })
    },
    close: async () => {
      for (const each of clients) await Promise.race([each.dispose().catch(() => undefined), sleep(200)])
      for (const each of opened) each.close()
    },
  }
  ctx.events = (labels, type = 'T') => labels.map((label) => db.jsonEvent({ id: ctx.id(label), type, data: { label } }))
  ctx.append = async (stream, labels, expected = 'any', type) => {
    const result = await ctx.client.appendToStream(stream, ctx.events([].concat(labels), type), {
      expectedRevision: expected,
    })
    return `ok ${result.nextExpectedRevision}`
  }
  ctx.tryAppend = (...a) => tried(() => ctx.append(...a))
  ctx.read = async (stream, options) => {
    const seen = []
    for await (const { event, link } of ctx.client.readStream(stream, options))
      seen.push(link ? `${event?.revision ?? '-'}<-${link.revision}` : `${event.revision}`)
    return seen.join(' ')
  }
  ctx.tryRead = (...a) => tried(() => ctx.read(...a))
  ctx.positions = async (stream) => {
    const out = []
    for await (const { event } of ctx.client.readStream(stream)) out.push(event.position)
    return out
  }
  return ctx
}

const probes = []
const probe = (name, work, options = {}) => probes.push({ name, work, ...options })

export {
  appendMessage,
  appendOptions,
  attempt,
  batchAnswer,
  batchMessage,
  brief,
  compact,
  contextOf,
  db,
  emptyOf,
  err,
  GTimestamp,
  grpc,
  identifier,
  line,
  nameOf,
  normalise,
  oneofs,
  ours,
  P,
  pb,
  probe,
  probes,
  rawAppend,
  rawBatch,
  rawRead,
  readLine,
  readRequest,
  S,
  SH,
  StreamsClient,
  setExpected,
  sleep,
  subLine,
  TIMEOUT_MS,
  tried,
  uuidOf,
  uuidShape,
  uuidValue,
  within,
}
