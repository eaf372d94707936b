/** Probes of the two append calls: expectations, shapes of requests, deadlines, results. */

import { MB } from './append-contents.mjs'
import {
  appendMessage,
  appendOptions,
  attempt,
  batchAnswer,
  batchMessage,
  err,
  GTimestamp,
  grpc,
  probe,
  rawAppend,
  rawBatch,
  rawRead,
  S,
  SH,
  tried,
  within,
} from './asking.mjs'

const EXPECTATIONS = ['any', 'no_stream', 'stream_exists', 0n, 1n, 5n, 9223372036854775807n, 18446744073709551615n]
const STATES = ['missing', 'present', 'softdeleted', 'tombstoned', 'metaonly', 'recreated', 'truncated']
async function prepareState(ctx, stream, state) {
  if (state === 'missing') return
  if (state === 'metaonly') {
    await ctx.client.setStreamMetadata(stream, { maxCount: 10 })
    return
  }
  await ctx.append(stream, [`${stream}-p0`, `${stream}-p1`])
  if (state === 'truncated') await ctx.client.setStreamMetadata(stream, { truncateBefore: 10 })
  if (state === 'softdeleted' || state === 'recreated') await ctx.client.deleteStream(stream)
  if (state === 'recreated') await ctx.append(stream, [`${stream}-r`])
  if (state === 'tombstoned') await ctx.client.tombstoneStream(stream)
}
for (const state of STATES) {
  probe(`append.expected.client.${state}`, async (ctx) => {
    const out = {}
    for (const expected of EXPECTATIONS) {
      const stream = ctx.s(`${state}-${expected}`)
      await prepareState(ctx, stream, state)
      out[expected] = await tried(async () => {
        const r = await ctx.client.appendToStream(stream, ctx.events([`${stream}-n`]), { expectedRevision: expected })
        return `ok ${r.success} ${r.nextExpectedRevision} ${r.position ? 'position' : 'no position'}`
      })
    }
    return out
  })
  probe(`append.expected.rpc.${state}`, async (ctx) => {
    const out = {}
    for (const expected of EXPECTATIONS) {
      const stream = ctx.s(`${state}-${expected}`)
      await prepareState(ctx, stream, state)
      const r = await rawAppend(ctx, stream, expected, [{ id: ctx.id(`${stream}-n`) }])
      if (r.success?.position) r.success.position = true
      out[expected] = r
    }
    return out
  })
  probe(`append.expected.batch.${state}`, async (ctx) => {
    const out = {}
    for (const expected of EXPECTATIONS) {
      const stream = ctx.s(`${state}-${expected}`)
      await prepareState(ctx, stream, state)
      const r = await rawBatch(
        ctx,
        [{ name: 'a', correlation: ctx.id(`${stream}-c`), stream, expected, events: [{ id: ctx.id(`${stream}-n`) }] }],
        { end: false },
      )
      out[expected] = r.answers.length ? r.answers[0] : r
    }
    return out
  })
}
probe('append.answer-fields', async (ctx) => {
  const out = {}
  await ctx.append(ctx.s('x'), ['1', '2'])
  for (const expected of ['any', 'no_stream', 'stream_exists', 0n, 7n]) {
    out[`rpc 2060 ${expected}`] = await rawAppend(
      ctx,
      ctx.s(expected === 'stream_exists' ? 'y' : 'x'),
      expected,
      [{ id: ctx.id(`r${expected}`) }],
      { old: true },
    )
    if (out[`rpc 2060 ${expected}`].success) out[`rpc 2060 ${expected}`] = 'success'
    const b = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id(`c${expected}`),
          stream: ctx.s(expected === 'stream_exists' ? 'y' : 'x'),
          expected,
          events: [{ id: ctx.id(`b${expected}`) }],
        },
      ],
      { end: false, echo: true },
    )
    out[`batch echo ${expected}`] = b.answers[0]?.expected
  }
  return out
})
probe('append.nothrow', async (ctx) => {
  const client = ctx.newClient('&throwOnAppendFailure=false')
  const out = {}
  await ctx.append(ctx.s('x'), ['1', '2', '3'])
  await ctx.append(ctx.s('t'), ['t1'])
  await ctx.client.tombstoneStream(ctx.s('t'))
  const show = (r) => ({
    success: r.success,
    next: r.nextExpectedRevision,
    position: r.position === undefined ? 'undefined' : typeof r.position.commit,
  })
  for (const [how, options] of [
    ['batch', {}],
    ['append', { credentials: { username: 'admin', password: 'changeit' } }],
  ]) {
    for (const [name, stream, expected] of [
      ['present no_stream', 'x', 'no_stream'],
      ['present 0', 'x', 0n],
      ['present 9', 'x', 9n],
      ['missing exists', 'y', 'stream_exists'],
      ['missing 0', 'y', 0n],
      ['tombstoned any', 't', 'any'],
      ['ok', 'x', 'any'],
    ]) {
      out[`${how} ${name}`] = await attempt(async () =>
        show(
          await client.appendToStream(ctx.s(stream), ctx.events([`${how}${name}`]), {
            expectedRevision: expected,
            ...options,
          }),
        ),
      )
    }
  }
  return out
})
probe(
  'append.empty',
  async (ctx) => {
    const out = {}
    for (const state of ['missing', 'present', 'softdeleted', 'tombstoned']) {
      for (const expected of ['any', 'no_stream', 'stream_exists', 1n, 5n]) {
        const stream = ctx.s(`${state}-${expected}`)
        await prepareState(ctx, stream, state)
        out[`client ${state} ${expected}`] = await tried(async () => {
          const r = await within(ctx.client.appendToStream(stream, [], { expectedRevision: expected }), 1500)
          return r === 'timeout' ? r : `ok ${r.nextExpectedRevision} ${r.position ? 'position' : 'no position'}`
        })
      }
    }
    return out
  },
  { timeout: 30_000 },
)
probe(
  'append.empty.raw',
  async (ctx) => {
    const out = {}
    for (const state of ['missing', 'present', 'softdeleted', 'tombstoned']) {
      for (const expected of ['any', 'no_stream', 'stream_exists', 1n, 5n]) {
        const stream = ctx.s(`${state}-${expected}`)
        await prepareState(ctx, stream, state)
        out[`rpc ${state} ${expected}`] = await rawAppend(ctx, stream, expected, [])
        if (out[`rpc ${state} ${expected}`].success?.position) out[`rpc ${state} ${expected}`].success.position = true
        out[`batch ${state} ${expected}`] =
          (
            await rawBatch(ctx, [{ name: 'a', correlation: ctx.id(`c${stream}`), stream, expected, events: [] }], {
              end: false,
            })
          ).answers[0] ?? 'no answer'
        out[`after ${state} ${expected}`] = await ctx.tryRead(stream)
      }
    }
    return out
  },
  { timeout: 30_000 },
)

probe('append.rpc.shape', async (ctx) => {
  const out = {}
  const o = (s = 'x', e = 'any') => appendMessage({ options: appendOptions(ctx.s(s), e) })
  const m = (l, extra) => appendMessage({ event: { id: ctx.id(l), ...extra } })
  out.none = await rawAppend(ctx, '', '', [], { messages: [] })
  out['event first'] = await rawAppend(ctx, '', '', [], { messages: [m('1'), o()] })
  out['event only'] = await rawAppend(ctx, '', '', [], { messages: [m('1')] })
  out['empty message'] = await rawAppend(ctx, '', '', [], { messages: [new S.AppendReq()] })
  out['options twice'] = await rawAppend(ctx, '', '', [], { messages: [o('x'), m('2'), o('y'), m('3')] })
  out['empty message later'] = await rawAppend(ctx, '', '', [], { messages: [o('z'), m('4'), new S.AppendReq()] })
  out['no expectation'] = await rawAppend(ctx, '', '', [], {
    messages: [appendMessage({ options: appendOptions(ctx.s('x'), undefined) }), m('5')],
  })
  out['no stream'] = await rawAppend(ctx, '', '', [], {
    messages: [appendMessage({ options: appendOptions(undefined, 'any') }), m('6')],
  })
  for (const key of Object.keys(out)) if (out[key].success?.position) out[key].success.position = true
  return out
})
probe(
  'append.batch.shape',
  async (ctx) => {
    const out = {}
    const c = (l) => ctx.id(`corr${l}`)
    const e = (l, extra) => ({ id: ctx.id(l), ...extra })
    const B = (label, list, options) =>
      rawBatch(ctx, list, { waitMs: 700, expect: 99, ...options }).then((r) => {
        out[label] = r
      })
    await B('chunks', [
      { name: 'a', correlation: c(1), stream: ctx.s('c'), expected: 'no_stream', events: [e('1')], final: false },
      { name: 'a', correlation: c(1), noOptions: true, events: [e('2'), e('3')] },
    ])
    out['chunks read'] = await ctx.tryRead(ctx.s('c'))
    await B('interleaved', [
      { name: 'a', correlation: c(2), stream: ctx.s('i1'), expected: 'no_stream', events: [e('1')], final: false },
      { name: 'b', correlation: c(3), stream: ctx.s('i2'), expected: 'no_stream', events: [e('1')], final: false },
      { name: 'a', correlation: c(2), noOptions: true, events: [e('2')] },
      { name: 'b', correlation: c(3), noOptions: true, events: [e('2')] },
    ])
    await B('final empty', [
      { name: 'a', correlation: c(4), stream: ctx.s('fe'), expected: 'any', events: [e('1')], final: false },
      { name: 'a', correlation: c(4), noOptions: true, events: [] },
    ])
    await B('options twice', [
      { name: 'a', correlation: c(5), stream: ctx.s('o1'), expected: 'any', events: [e('1')], final: false },
      { name: 'a', correlation: c(5), stream: ctx.s('o2'), expected: 'any', events: [e('2')] },
    ])
    out['options twice read'] = [await ctx.tryRead(ctx.s('o1')), await ctx.tryRead(ctx.s('o2'))]
    await B('no options', [
      { name: 'a', correlation: c(6), noOptions: true, events: [e('1')] },
      { name: 'b', correlation: c(7), stream: ctx.s('no'), expected: 'any', events: [e('7')] },
    ])
    await B('no stream', [
      { name: 'a', correlation: c(8), noStream: true, expected: 'any', events: [e('1')] },
      { name: 'b', correlation: c(9), stream: ctx.s('no'), expected: 'any', events: [e('9')] },
    ])
    await B('no expectation', [
      { name: 'a', correlation: c(10), stream: ctx.s('ne'), events: [e('1')] },
      { name: 'b', correlation: c(11), stream: ctx.s('no'), expected: 'any', events: [e('11')] },
    ])
    await B('no correlation', [
      { name: 'a', noCorrelation: true, stream: ctx.s('nc'), expected: 'any', events: [e('1')] },
      { name: 'b', correlation: c(12), stream: ctx.s('no'), expected: 'any', events: [e('12')] },
    ])
    await B('no correlation, no options', [
      { name: 'a', noCorrelation: true, noOptions: true, events: [e('1')] },
      { name: 'b', correlation: c(13), stream: ctx.s('no'), expected: 'any', events: [e('13')] },
    ])
    await B('bad correlation', [
      { name: 'a', correlation: 'nonsense', stream: ctx.s('nc'), expected: 'any', events: [e('1')] },
      { name: 'b', correlation: c(14), stream: ctx.s('no'), expected: 'any', events: [e('14')] },
    ])
    await B('bad id later chunk', [
      { name: 'a', correlation: c(15), stream: ctx.s('bl'), expected: 'any', events: [e('1')], final: false },
      { name: 'a', correlation: c(15), noOptions: true, events: [{ id: 'nonsense' }] },
      { name: 'b', correlation: c(16), stream: ctx.s('no'), expected: 'any', events: [e('16')] },
    ])
    await B('bad id first chunk', [
      {
        name: 'a',
        correlation: c(17),
        stream: ctx.s('bf'),
        expected: 'any',
        events: [{ id: 'nonsense' }],
        final: false,
      },
      { name: 'a', correlation: c(17), noOptions: true, events: [e('2')] },
      { name: 'b', correlation: c(18), stream: ctx.s('no'), expected: 'any', events: [e('18')] },
    ])
    out['bad id first chunk read'] = await ctx.tryRead(ctx.s('bf'))
    await B('bad id, one of two', [
      { name: 'a', correlation: c(19), stream: ctx.s('bo'), expected: 'any', events: [e('1'), { id: 'nonsense' }] },
    ])
    out['bad id, one of two read'] = await ctx.tryRead(ctx.s('bo'))
    await B('same correlation twice', [
      { name: 'a', correlation: c(20), stream: ctx.s('sc1'), expected: 'any', events: [e('1')] },
      { name: 'a', correlation: c(20), stream: ctx.s('sc2'), expected: 'any', events: [e('2')] },
    ])
    await B('never final', [
      { name: 'a', correlation: c(21), stream: ctx.s('nf'), expected: 'any', events: [e('1')], final: false },
    ])
    out['never final read'] = await ctx.tryRead(ctx.s('nf'))
    await B('zero messages', [])
    await B('too large first of three', [
      {
        name: 'a',
        correlation: c(22),
        stream: ctx.s('tl'),
        expected: 'any',
        events: [e('1', { data: Buffer.alloc(MB + 5, 'a') })],
        final: false,
      },
      { name: 'a', correlation: c(22), noOptions: true, events: [e('2')], final: false },
      { name: 'a', correlation: c(22), noOptions: true, events: [e('3')] },
      { name: 'b', correlation: c(23), stream: ctx.s('no'), expected: 'any', events: [e('23')] },
    ])
    await B('structured correlation', [
      {
        name: 'a',
        correlation: (() => {
          const u = new SH.UUID()
          const t = new SH.UUID.Structured()
          t.setMostSignificantBits('5')
          t.setLeastSignificantBits('6')
          u.setStructured(t)
          return u
        })(),
        stream: ctx.s('str'),
        expected: 'any',
        events: [e('1')],
      },
    ])
    await B('empty correlation message', [
      { name: 'a', correlation: new SH.UUID(), stream: ctx.s('ecm'), expected: 'any', events: [e('1')] },
    ])
    return out
  },
  { timeout: 30_000 },
)
probe(
  'append.batch.deadline',
  async (ctx) => {
    const out = {}
    const at = (ms) => GTimestamp.fromDate(new Date(Date.now() + ms))
    const far = new GTimestamp()
    far.setSeconds('253402300799')
    const further = new GTimestamp()
    further.setSeconds('9007199254740991')
    for (const [name, deadline] of [
      ['past', at(-60_000)],
      ['just past', at(-5)],
      ['epoch', new GTimestamp()],
      ['future', at(10_000)],
      ['far', far],
      ['beyond', further],
    ]) {
      const r = await rawBatch(
        ctx,
        [
          {
            name: 'a',
            correlation: ctx.id(`c${name}`),
            stream: ctx.s(name),
            expected: 'any',
            deadline,
            events: [{ id: ctx.id(name) }],
          },
        ],
        { end: false, waitMs: 700 },
      )
      out[name] = r.answers.length ? r.answers : r
    }
    out['past, multi-chunk'] = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id('mc'),
          stream: ctx.s('pm'),
          expected: 'any',
          deadline: at(-1000),
          events: [{ id: ctx.id('m1') }],
          final: false,
        },
        { name: 'a', correlation: ctx.id('mc'), noOptions: true, events: [{ id: ctx.id('m2') }] },
      ],
      { end: false, waitMs: 700, expect: 9 },
    )
    out['open until deadline'] = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id('od'),
          stream: ctx.s('od'),
          expected: 'any',
          deadline: at(500),
          events: [{ id: ctx.id('o1') }],
          final: false,
        },
      ],
      { end: false, waitMs: 1500, expect: 9 },
    )
    out['client past'] = await attempt(async () => {
      const r = await within(ctx.client.appendToStream(ctx.s('cp'), ctx.events(['cp']), { deadline: -1000 }), 1500)
      return r === 'timeout' ? r : 'ok'
    })
    out['client tiny'] = await attempt(async () => {
      const r = await within(ctx.client.appendToStream(ctx.s('cp'), ctx.events(['cp2']), { deadline: 60_000 }), 1500)
      return r === 'timeout' ? r : 'ok'
    })
    return out
  },
  { timeout: 15_000 },
)
// The field `deadline` (7, a Duration) of newer clients, which the generated stub does not know.
const varint = (n) => {
  const b = []
  let r = BigInt.asUintN(64, BigInt(n))
  while (r >= 128n) {
    b.push(Number(r & 127n) | 128)
    r >>= 7n
  }
  b.push(Number(r))
  return Buffer.from(b)
}
const field = (no, bytes) => Buffer.concat([varint(no * 8 + 2), varint(bytes.length), bytes])
const numberField = (no, n) => Buffer.concat([varint(no * 8), varint(n)])
probe('append.batch.duration', async (ctx) => {
  const out = {}
  for (const [name, seconds] of [
    ['past', -5],
    ['zero', 0],
    ['10s', 10],
    ['year', 31_536_000],
  ]) {
    const message = batchMessage({
      correlation: ctx.id(`c${name}`),
      stream: ctx.s(name),
      expected: 'any',
      events: [{ id: ctx.id(name) }],
    })
    const options = Buffer.concat([
      Buffer.from(message.getOptions().serializeBinary()),
      field(7, seconds ? numberField(1, seconds) : Buffer.alloc(0)),
    ])
    const bytes = Buffer.concat([
      field(1, Buffer.from(message.getCorrelationId().serializeBinary())),
      field(2, options),
      field(3, Buffer.from(message.getProposedMessagesList()[0].serializeBinary())),
      numberField(4, 1),
    ])
    const r = await rawBatch(ctx, [{ name: 'a', correlation: ctx.id(`c${name}`), bytes }], {
      raw: true,
      end: false,
      waitMs: 700,
    })
    out[name] = r.answers.length ? r.answers : r
  }
  return out
})
probe('append.batch.order', async (ctx) => {
  const list = Array.from({ length: 20 }, (_, i) => ({
    name: `n${i}`,
    correlation: ctx.id(`c${i}`),
    stream: ctx.s('x'),
    expected: i % 5 === 4 ? 900n : 'any',
    events: [{ id: ctx.id(`e${i}`) }],
  }))
  const r = await rawBatch(ctx, list, { waitMs: 1500 })
  return {
    order: r.answers.map((a) => `${a.of}:${a.success ? a.success.currentRevision : a.status.code}`),
    revisions: r.answers.filter((a) => a.success).map((a) => a.success.currentRevision),
    end: r.after,
  }
})
probe('append.batch.end-right-after-write', async (ctx) => {
  const call = ctx.streams.batchAppend(new grpc.Metadata(), { deadline: Infinity })
  const names = new Map()
  const got = []
  let status = 'open'
  call.on('data', (a) => got.push(batchAnswer(a, names)))
  const done = new Promise((resolve) => {
    call.on('end', () => {
      status = 'ended'
      resolve()
    })
    call.on('error', (e) => {
      status = err(e)
      resolve()
    })
  })
  for (let i = 0; i < 5; i++)
    call.write(
      batchMessage({
        correlation: ctx.id(`c${i}`),
        stream: ctx.s('x'),
        expected: 'any',
        events: [{ id: ctx.id(`${i}`) }],
      }),
    )
  call.end()
  await within(done, 2000)
  call.cancel()
  return { answers: got.length, status }
})
probe('append.results.positions', async (ctx) => {
  const x = ctx.s('x')
  const one = await ctx.client.appendToStream(x, ctx.events(['1']))
  const three = await ctx.client.appendToStream(x, ctx.events(['2', '3', '4']))
  const rpc = await ctx.client.appendToStream(x, ctx.events(['5', '6']), {
    credentials: { username: 'admin', password: 'changeit' },
  })
  const read = await ctx.positions(x)
  const which = (p) =>
    `${read.findIndex((r) => r.commit === p.commit)}/${read.findIndex((r) => r.prepare === p.prepare)}`
  const all = []
  for await (const { event } of ctx.client.readAll({ fromPosition: read[0] }))
    if (event?.streamId === x) all.push(event.position)
  const del = await ctx.client.deleteStream(x)
  const meta = []
  for await (const { event } of ctx.client.readStream(`$$${x}`)) meta.push(event.position)
  await ctx.append(ctx.s('t'), ['t'])
  const tomb = await ctx.client.tombstoneStream(ctx.s('t'))
  const tombs = []
  for await (const { event } of ctx.client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 20 }))
    if (event?.streamId === ctx.s('t')) tombs.push(event.position)
  return {
    single: which(one.position),
    batchOfThree: which(three.position),
    rpcOfTwo: which(rpc.position),
    commitIsPrepare: read.map((p) => p.commit === p.prepare),
    distinct: new Set(read.map((p) => p.commit)).size,
    increasing: read.every((p, i) => i === 0 || p.commit > read[i - 1].commit),
    resultCommitIsPrepare: [one, three, rpc].map((r) => r.position.commit === r.position.prepare),
    allSame: all.every((p, i) => p.commit === read[i].commit && p.prepare === read[i].prepare),
    allCommitIsPrepare: all.map((p) => p.commit === p.prepare),
    delete: {
      is: meta.at(-1) && del.position.commit === meta.at(-1).commit,
      prepare: meta.at(-1) && del.position.prepare === meta.at(-1).prepare,
    },
    tombstone: {
      is: tombs[0] && tomb.position.commit === tombs[0].commit,
      prepare: tombs[0] && tomb.position.prepare === tombs[0].prepare,
      commitIsPrepare: tomb.position.commit === tomb.position.prepare,
    },
  }
})
probe('append.created', async (ctx) => {
  await ctx.append(ctx.s('x'), ['1'])
  for await (const { event } of ctx.client.readStream(ctx.s('x'))) {
    const raw = (await rawRead(ctx, { stream: ctx.s('x'), count: 1 }, { messages: true })).raw
      .find((m) => m.hasEvent())
      .getEvent()
      .getEvent()
      .getMetadataMap()
    const digits = raw.get('created')
    return {
      type: event.created?.constructor?.name ?? typeof event.created,
      near: Math.abs(new Date(event.created).getTime() - Date.now()) < 60_000,
      rawKeys: [...raw.keys()].sort(),
      rawDigits: digits.length,
      rawIs:
        Math.abs(Number(BigInt(digits) / 10_000n) - Date.now()) < 60_000
          ? 'ticks since 1970'
          : Math.abs(Number(digits) - Date.now()) < 60_000
            ? 'ms'
            : 'other',
      subMs: 'not compared',
    }
  }
})

export { field, numberField, prepareState, STATES }
