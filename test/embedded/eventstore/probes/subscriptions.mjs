/** Probes of catch-up subscriptions. */

import { prepareState, STATES } from './append.mjs'
import { brief, db, nameOf, ours, probe, rawRead, sleep, subLine, tried, within } from './asking.mjs'
import { fiveEvents } from './reads.mjs'

probe(
  'sub.stream',
  async (ctx) => {
    const x = ctx.s('x')
    await fiveEvents(ctx, x)
    const out = {}
    for (const from of ['start', 'end', 0, 2, 4, 5, 100, '9223372036854775807', '18446744073709551615']) {
      let _n = 0
      const y = ctx.s(`y${from}`)
      await fiveEvents(ctx, y)
      out[from] = await subLine(
        ctx,
        { stream: y, from },
        {
          act: async () => {
            await ctx.append(y, [`${from}n1`])
            await ctx.append(y, [`${from}n2`, `${from}n3`])
            _n++
          },
          ms: 500,
        },
      )
    }
    out['no from'] = await subLine(ctx, { stream: x, from: 'none' }, { ms: 400 })
    out['compat 1'] = await subLine(ctx, { stream: x, compat: 1 }, { ms: 400 })
    return out
  },
  { timeout: 30_000 },
)
probe(
  'sub.stream.ahead',
  async (ctx) => {
    const out = {}
    for (const ahead of [0, 1, 3, 7]) {
      const y = ctx.s(`missing${ahead}`)
      out[`missing stream, from ${ahead}`] = await subLine(
        ctx,
        { stream: y, from: ahead },
        {
          act: async () => {
            for (let i = 0; i < 10; i++) await ctx.append(y, [`m${ahead}-${i}`])
          },
          ms: 500,
        },
      )
    }
    const z = ctx.s('three')
    await ctx.append(z, ['1', '2', '3'])
    for (const ahead of [2, 3, 5, 8]) {
      const w = ctx.s(`three${ahead}`)
      await ctx.append(
        w,
        ['1', '2', '3'].map((l) => `${ahead}-${l}`),
      )
      out[`3 events, from ${ahead}`] = await subLine(
        ctx,
        { stream: w, from: ahead },
        {
          act: async () => {
            for (let i = 0; i < 8; i++) await ctx.append(w, [`w${ahead}-${i}`])
          },
          ms: 500,
        },
      )
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'sub.stream.states',
  async (ctx) => {
    const out = {}
    for (const state of STATES) {
      for (const from of ['start', 'end', 0]) {
        const x = ctx.s(`${state}${from}`)
        await prepareState(ctx, x, state)
        out[`${state} ${from}`] = await subLine(
          ctx,
          { stream: x, from },
          {
            act: async () => {
              await ctx.tryAppend(x, [`${state}${from}later`])
            },
            ms: 300,
          },
        )
      }
    }
    return out
  },
  { timeout: 40_000 },
)
probe(
  'sub.stream.while',
  async (ctx) => {
    const out = {}
    const run = async (label, before, during, o = {}) => {
      const x = ctx.s(label.replaceAll(' ', '-'))
      await before(x)
      out[label] = await subLine(ctx, { stream: x, ...o }, { act: () => during(x), ms: 600 })
    }
    const two = (x) => ctx.append(x, [`${x}1`, `${x}2`])
    await run('tombstoned', two, (x) => ctx.client.tombstoneStream(x))
    await run('tombstoned from end', two, (x) => ctx.client.tombstoneStream(x), { from: 'end' })
    await run('deleted then recreated', two, async (x) => {
      await ctx.client.deleteStream(x)
      await ctx.append(x, [`${x}3`])
    })
    await run(
      'missing then tombstoned',
      async () => undefined,
      (x) => ctx.client.tombstoneStream(x),
    )
    await run('truncated while', two, async (x) => {
      await ctx.client.setStreamMetadata(x, { truncateBefore: 9 })
      await ctx.append(x, [`${x}3`])
    })
    await run('maxCount 1 while', two, async (x) => {
      await ctx.client.setStreamMetadata(x, { maxCount: 1 })
      await ctx.append(x, [`${x}3`, `${x}4`, `${x}5`])
    })
    await run(
      'from before truncation',
      async (x) => {
        await fiveEvents(ctx, x, { truncateBefore: 3 })
      },
      async () => undefined,
      { from: 0 },
    )
    await run(
      'deleted, from revision',
      async (x) => {
        await two(x)
        await ctx.client.deleteStream(x)
      },
      (x) => ctx.append(x, [`${x}3`]),
      { from: 0 },
    )
    await run(
      'deleted, recreated, from start',
      async (x) => {
        await two(x)
        await ctx.client.deleteStream(x)
        await ctx.append(x, [`${x}3`])
      },
      (x) => ctx.append(x, [`${x}4`]),
    )
    out.metastream = await subLine(
      ctx,
      { stream: `$$${ctx.s('m')}` },
      {
        act: async () => {
          await ctx.client.setStreamMetadata(ctx.s('m'), { maxCount: 3 })
          await ctx.client.setStreamMetadata(ctx.s('m'), { maxCount: 4 })
        },
        ms: 400,
      },
    )
    return out
  },
  { timeout: 30_000 },
)
probe('sub.stream.names', async (ctx) => {
  const out = {}
  for (const name of ['', '$all', '$$', '$'])
    out[`'${name}'`] = await rawRead(
      ctx,
      { stream: name, subscribe: true, from: name === '$all' ? 'end' : 'start' },
      {
        ms: 500,
        act: async () => {
          await ctx.append(ctx.s('x'), [`n${name}`])
        },
        keep: ours(ctx),
      },
    )
  out['no identifier'] = await rawRead(ctx, { stream: null, subscribe: true }, { ms: 400 })
  out.neither = await rawRead(ctx, { subscribe: true }, { ms: 400 })
  out.client = await tried(async () => {
    const sub = ctx.client.subscribeToStream('$all', { fromRevision: 'end' })
    const seen = await within(
      new Promise((resolve) => {
        sub.on('error', (e) => resolve(brief(e)))
        sub.on('confirmation', () => resolve('confirmed'))
      }),
      800,
    )
    await sub.unsubscribe()
    return seen
  })
  return out
})
probe(
  'sub.all',
  async (ctx) => {
    const x = ctx.s('x')
    await fiveEvents(ctx, x)
    await ctx.append(x, ['b6', 'b7'])
    const p = (await ctx.positions(x)).map((each) => each.commit)
    const keep = (e) => e.getEvent() && nameOf(e.getEvent().getStreamIdentifier()) === x
    const out = {}
    let n = 0
    const act = async () => {
      await ctx.append(x, [`later${n++}`])
    }
    const at = async (label, from) => {
      out[label] = (await subLine(ctx, { all: true, from }, { keep, act, ms: 350 })).replace(
        /\d+@~-x:T(?= \||$)/g,
        (t) => t,
      )
    }
    await at('from 5th', { commit: p[4], prepare: p[4] })
    await at('from 6th of batch', { commit: p[5], prepare: p[5] })
    await at('between', { commit: p[4] + 1n, prepare: p[4] + 1n })
    await at('commit 6 prepare 5', { commit: p[5], prepare: p[4] })
    await at('commit 5 prepare 6', { commit: p[4], prepare: p[5] })
    await at('end', 'end')
    await at('past the end', { commit: p[6] + 1_000_000n, prepare: p[6] + 1_000_000n })
    await at('max int64', { commit: 9223372036854775807n, prepare: 9223372036854775807n })
    await at('max uint64', { commit: 18446744073709551615n, prepare: 18446744073709551615n })
    await at('int64 max + 1', { commit: 9223372036854775808n, prepare: 9223372036854775808n })
    out.zero =
      (await rawRead(ctx, { all: true, from: { commit: 0n, prepare: 0n }, subscribe: true }, { keep, ms: 600 })).got
        .length > 5
    out.start = (await rawRead(ctx, { all: true, from: 'start', subscribe: true }, { keep, ms: 600 })).got.length > 5
    out['no from'] = (await rawRead(ctx, { all: true, from: 'none', subscribe: true }, { keep, ms: 600 })).status
    return out
  },
  { timeout: 30_000 },
)
probe(
  'sub.all.ahead',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(x, ['1'])
    const [_p] = (await ctx.positions(x)).map((each) => each.commit)
    const keep = (e) => e.getEvent() && nameOf(e.getEvent().getStreamIdentifier()) === x
    const out = {}
    // Ahead by about 3000 bytes of log; 12 events of 1000 bytes go past that place.
    for (const filter of [undefined, { on: 'stream', prefixes: [x], max: 32, interval: 1 }]) {
      const [last] = (await ctx.positions(x)).slice(-1)
      const from = last.commit + 3000n
      const r = await rawRead(
        ctx,
        { all: true, from: { commit: from, prepare: from }, subscribe: true, filter },
        {
          keep,
          ms: 700,
          messages: true,
          act: async () => {
            for (let i = 0; i < 12; i++)
              await ctx.client.appendToStream(
                x,
                db.jsonEvent({ id: ctx.id(`${filter ? 'f' : 'n'}${i}`), type: 'T', data: { pad: 'p'.repeat(1000) } }),
              )
          },
        },
      )
      const events = r.raw.filter((m) => m.hasEvent()).map((m) => BigInt(m.getEvent().getEvent().getCommitPosition()))
      out[filter ? 'filtered' : 'plain'] = {
        events: events.length === 12 ? 'all 12' : events.length === 0 ? 'none' : 'those behind the place',
        behind: events.every((e) => e > from),
        status: r.status,
        others: r.got
          .filter((g) => !g.includes('@'))
          .join(' | ')
          .replace(/(checkpoint \| )+checkpoint/, 'checkpoints'),
      }
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'sub.all.filtered',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(
      ctx.s('other'),
      Array.from({ length: 40 }, (_, i) => `o${i}`),
    )
    await ctx.append(x, ['1', '2'], 'any', 'Alpha')
    await ctx.append(
      ctx.s('other'),
      Array.from({ length: 40 }, (_, i) => `p${i}`),
    )
    await ctx.append(x, ['3'], 'any', 'Alpha')
    const [first] = await ctx.positions(ctx.s('other'))
    const out = {}
    let k = 0
    const F = async (label, filter, o = {}, extra = {}) => {
      k++
      out[label] = await subLine(
        ctx,
        { all: true, from: first, filter, ...o },
        {
          keep: (e) => nameOf(e.getEvent()?.getStreamIdentifier()) === x,
          act: async () => {
            await ctx.append(ctx.s('other'), [`live${k}`])
            await ctx.append(x, [`live${k}x`], 'any', 'Alpha')
          },
          ms: 450,
          ...extra,
        },
      )
      out[label] = out[label].replace(/(\d+@~-x:Alpha \| )+(?=\d+@~-x:Alpha)/g, '').replaceAll(/\d+@~-x/g, 'n@~-x')
    }
    for (const max of [undefined, 1, 2, 10, 32, 1000])
      for (const interval of [1, 3])
        await F(`prefix window ${max} interval ${interval}`, { on: 'stream', prefixes: [x], max, interval })
    await F('window 0', { on: 'stream', prefixes: [x], max: 0, interval: 1 })
    await F('interval 0', { on: 'stream', prefixes: [x], max: 32, interval: 0 })
    await F('interval unset, no window', { on: 'stream', prefixes: [x], noWindow: true })
    await F('interval max', { on: 'stream', prefixes: [x], max: 32, interval: 4294967295 })
    await F('window max', { on: 'stream', prefixes: [x], max: 4294967295, interval: 1 })
    await F('no expression', { on: 'stream', interval: 1, max: 32 })
    await F('no kind', { interval: 1, max: 32 })
    await F('bad regex', { on: 'stream', regex: '(', interval: 1, max: 32 })
    await F('empty prefix', { on: 'stream', prefixes: [''], interval: 1, max: 32 })
    await F('regex anchors', { on: 'stream', regex: `\\A${x}\\z`, interval: 1, max: 32 })
    await F('regex inline', { on: 'stream', regex: `(?i)^${x.toUpperCase()}$`, interval: 1, max: 32 })
    await F('type prefix', { on: 'type', prefixes: ['Alp'], interval: 1, max: 32 })
    await F('type regex', { on: 'type', regex: '^Alp', interval: 1, max: 32 })
    await F('exclude system', { on: 'type', regex: '^[^\\$].*', interval: 1, max: 32 })
    await F('end', { on: 'stream', prefixes: [x], interval: 1, max: 32 }, { from: 'end' })
    await F('nothing matches', { on: 'stream', prefixes: ['none-ever'], interval: 1, max: 10 })
    await F('nothing matches end', { on: 'stream', prefixes: ['none-ever'], interval: 1, max: 10 }, { from: 'end' })
    return out
  },
  { timeout: 60_000 },
)
probe(
  'sub.all.checkpoint-places',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(
      ctx.s('o'),
      Array.from({ length: 100 }, (_, i) => `o${i}`),
    )
    const positions = (await ctx.positions(ctx.s('o'))).map((p) => p.commit)
    const r = await rawRead(
      ctx,
      {
        all: true,
        subscribe: true,
        from: { commit: positions[0], prepare: positions[0] },
        filter: { on: 'stream', prefixes: [x], max: 10, interval: 2 },
      },
      {
        messages: true,
        ms: 700,
        act: async () => {
          for (let i = 0; i < 45; i++) await ctx.append(ctx.s('o'), [`l${i}`])
        },
      },
    )
    const all = (await ctx.positions(ctx.s('o'))).map((p) => p.commit)
    const c = r.raw.filter((m) => m.hasCheckpoint()).map((m) => BigInt(m.getCheckpoint().getCommitPosition()))
    return {
      history: c.map((p) => all.indexOf(p)).filter((i) => i < 100),
      live: c.map((p) => all.indexOf(p)).filter((i) => i >= 100),
      onEvents: c.every((p) => all.includes(p)),
      order: r.got.map((g) => (g === 'checkpoint' ? 'c' : g === 'caught-up' ? 'CAUGHT-UP' : g)).join(' '),
      prepareSame: r.raw
        .filter((m) => m.hasCheckpoint())
        .every((m) => m.getCheckpoint().getCommitPosition() === m.getCheckpoint().getPreparePosition()),
    }
  },
  { timeout: 15_000 },
)
probe(
  'sub.client',
  async (ctx) => {
    const x = ctx.s('x')
    await fiveEvents(ctx, x)
    const [p] = await ctx.positions(x)
    const watch = async (sub, act) => {
      const seen = []
      for (const name of ['confirmation', 'caughtUp', 'fellBehind', 'close', 'end', 'error'])
        sub.on(name, (e) => seen.push(e ? `${name} ${brief(e)}` : name))
      sub.on('data', (r) => {
        if ((r.event?.streamId ?? r.link?.streamId) === x) seen.push(`${r.event?.revision}`)
      })
      await sleep(350)
      await act?.()
      await sleep(350)
      await sub.unsubscribe()
      await sleep(100)
      return seen.join(' ')
    }
    let cp = 0
    const out = {
      stream: await watch(ctx.client.subscribeToStream(x), () => ctx.append(x, ['s6'])),
      'stream end': await watch(ctx.client.subscribeToStream(x, { fromRevision: 'end' }), () => ctx.append(x, ['s7'])),
      'stream 2': await watch(ctx.client.subscribeToStream(x, { fromRevision: 2n })),
      'all filtered': await watch(
        ctx.client.subscribeToAll({
          fromPosition: p,
          filter: db.streamNameFilter({
            prefixes: [x],
            checkpointInterval: 1,
            maxSearchWindow: 1,
            checkpointReached: async () => {
              cp++
            },
          }),
        }),
      ),
      'exclude system': await watch(ctx.client.subscribeToAll({ fromPosition: p, filter: db.excludeSystemEvents() })),
      'interval 0': await tried(async () =>
        watch(
          ctx.client.subscribeToAll({
            fromPosition: p,
            filter: db.streamNameFilter({ prefixes: [x], checkpointInterval: 0 }),
          }),
        ),
      ),
      'window 0': await tried(async () =>
        watch(
          ctx.client.subscribeToAll({
            fromPosition: p,
            filter: db.streamNameFilter({ prefixes: [x], maxSearchWindow: 0 }),
          }),
        ),
      ),
      'bad regex': await watch(
        ctx.client.subscribeToAll({ fromPosition: p, filter: db.streamNameFilter({ regex: '(' }) }),
      ),
      tombstoned: await (async () => {
        await ctx.append(ctx.s('t'), ['t'])
        await ctx.client.tombstoneStream(ctx.s('t'))
        return watch(ctx.client.subscribeToStream(ctx.s('t')))
      })(),
      checkpoints: cp > 0,
    }
    return out
  },
  { timeout: 20_000 },
)
probe('sub.id', async (ctx) => {
  await ctx.append(ctx.s('x'), ['1'])
  const r = await rawRead(ctx, { stream: ctx.s('x'), subscribe: true }, { ms: 300, messages: true })
  const s = await rawRead(ctx, { all: true, from: 'end', subscribe: true }, { ms: 300, messages: true })
  return { stream: r.raw[0].getConfirmation().getSubscriptionId(), all: s.raw[0].getConfirmation().getSubscriptionId() }
})
