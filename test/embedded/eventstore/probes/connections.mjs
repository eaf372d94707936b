/** Probes of what concerns a connection: metadata, deadlines, how many calls. */
import {
  appendMessage,
  appendOptions,
  attempt,
  brief,
  compact,
  err,
  grpc,
  line,
  probe,
  rawAppend,
  rawRead,
  readRequest,
  StreamsClient,
  sleep,
  within,
} from './asking.mjs'

probe(
  'connection.metadata',
  async (ctx) => {
    const out = {}
    await ctx.append(ctx.s('x'), ['1'])
    const meta = (o) => {
      const m = new grpc.Metadata()
      for (const [k, v] of Object.entries(o)) m.set(k, v)
      return m
    }
    const R = async (label, o) => {
      out[label] = line(await rawRead(ctx, { stream: ctx.s('x'), count: 1 }, { metadata: meta(o), ms: 2500 }))
    }
    await R('requires-leader true', { 'requires-leader': 'true' })
    await R('requires-leader nonsense', { 'requires-leader': 'nonsense' })
    await R('requires-leader empty', { 'requires-leader': '' })
    await R('connection-name', { 'connection-name': 'mine' })
    await R('wrong credentials', { authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` })
    await R('right credentials', { authorization: `Basic ${Buffer.from('admin:changeit').toString('base64')}` })
    await R('authorization nonsense', { authorization: 'nonsense' })
    await R('bearer', { authorization: 'Bearer x' })
    await R('basic, not base64', { authorization: 'Basic ???' })
    for (const n of [7000, 16_000, 33_000, 70_000]) await R(`metadata of ${n}`, { 'x-big': 'a'.repeat(n) })
    out['client wrong credentials'] = await attempt(async () => {
      const r = await ctx.client.appendToStream(ctx.s('y'), ctx.events(['y']), {
        credentials: { username: 'nobody', password: 'x' },
      })
      return `ok ${r.nextExpectedRevision}`
    })
    return out
  },
  { timeout: 25_000 },
)
probe('connection.deadline', async (ctx) => {
  const out = {}
  await ctx.append(ctx.s('x'), ['1'])
  out['append rpc, past'] = await rawAppend(ctx, ctx.s('x'), 'any', [{ id: ctx.id('d1') }], {
    deadline: Date.now() - 1000,
  })
  const call = ctx.streams.read(readRequest({ stream: ctx.s('x'), subscribe: true }), new grpc.Metadata(), {
    deadline: Date.now() + 400,
  })
  out.subscription = await within(
    new Promise((resolve) => {
      const got = []
      call.on('data', (m) => got.push(compact(m)))
      call.on('error', (e) => resolve({ got, e: err(e) }))
      call.on('end', () => resolve({ got, e: 'ended' }))
    }),
    2500,
  )
  if (out.subscription.e?.text) out.subscription.e.text = out.subscription.e.text.replace(/[\d.]+s/g, 'Ns').slice(0, 30)
  if (out['append rpc, past'].text)
    out['append rpc, past'].text = out['append rpc, past'].text.replace(/[\d.]+s/g, 'Ns').slice(0, 30)
  return out
})
probe('connection.cancel', async (ctx) => {
  await ctx.append(
    ctx.s('x'),
    Array.from({ length: 500 }, (_, i) => `e${i}`),
  )
  const call = ctx.streams.read(readRequest({ stream: ctx.s('x'), count: 500 }), new grpc.Metadata(), {
    deadline: Infinity,
  })
  const status = await within(
    new Promise((resolve) => {
      let n = 0
      call.on('data', () => {
        if (++n === 5) call.cancel()
      })
      call.on('error', (e) => resolve(err(e)))
      call.on('end', () => resolve('ended'))
    }),
    2000,
  )
  return { status, after: await ctx.tryAppend(ctx.s('x'), ['later']) }
})
probe(
  'connection.many',
  async (ctx) => {
    await ctx.append(ctx.s('x'), ['1'])
    const subs = []
    const counts = { confirmed: 0, events: 0, errors: [] }
    for (let i = 0; i < 130; i++) {
      const call = ctx.streams.read(readRequest({ stream: ctx.s('x'), subscribe: true }), new grpc.Metadata(), {
        deadline: Infinity,
      })
      call.on('data', (m) => {
        if (m.hasConfirmation()) counts.confirmed++
        if (m.hasEvent()) counts.events++
      })
      call.on('error', (e) => {
        if (e.code !== 1) counts.errors.push(brief(e))
      })
      subs.push(call)
    }
    await sleep(1500)
    const before = { ...counts, errors: [...new Set(counts.errors)] }
    const client = ctx.newClient()
    const append = await within(
      client.appendToStream(ctx.s('x'), ctx.events(['2'])).then((r) => `ok ${r.nextExpectedRevision}`),
      1500,
    )
    await sleep(800)
    const sameChannel = await within(rawAppend(ctx, ctx.s('x'), 'any', [{ id: ctx.id('3') }]), 1500)
    for (const s of subs) s.cancel()
    return {
      before,
      append,
      events: counts.events,
      sameChannel: typeof sameChannel === 'string' ? sameChannel : sameChannel.success ? 'ok' : sameChannel,
    }
  },
  { timeout: 15_000 },
)
probe('connection.parallel-appends', async (ctx) => {
  const rs = await Promise.all(Array.from({ length: 100 }, (_, i) => ctx.tryAppend(ctx.s(`x${i % 10}`), [`e${i}`])))
  return { ok: rs.filter((r) => r.startsWith('ok')).length, perStream: (await ctx.read(ctx.s('x0'))).split(' ').length }
})
probe('connection.compression', async (ctx) => {
  const c = ctx.grpcClient(StreamsClient, { 'grpc.default_compression_algorithm': 2 })
  const d = ctx.grpcClient(StreamsClient, { 'grpc.default_compression_algorithm': 1 })
  const go = (client) =>
    within(
      new Promise((resolve) => {
        const call = client.append(new grpc.Metadata(), {}, (e, _a) => resolve(e ? err(e) : 'ok'))
        call.write(appendMessage({ options: appendOptions(ctx.s('x'), 'any') }))
        call.write(appendMessage({ event: { id: ctx.id(`z${client === c}`) } }))
        call.end()
      }),
      2000,
    )
  return { gzip: await go(c), deflate: await go(d) }
})
