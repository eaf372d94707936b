/** Probes of what an append may hold: ids, types, contents, sizes, names. */
import {
  attempt,
  db,
  line,
  probe,
  rawAppend,
  rawBatch,
  rawRead,
  readLine,
  SH,
  tried,
  uuidValue,
  within,
} from './asking.mjs'

probe('append.ids', async (ctx) => {
  const zeros = '00000000-0000-0000-0000-000000000000'
  const structured = (most, least) => {
    const u = new SH.UUID()
    const t = new SH.UUID.Structured()
    t.setMostSignificantBits(most)
    t.setLeastSignificantBits(least)
    u.setStructured(t)
    return u
  }
  const hex = ctx.id('h')
  const cases = {
    zeros: { id: zeros },
    'zeros structured': { idMessage: structured('0', '0') },
    structured: { idMessage: structured('-81985529216486896', '81985529216486895') },
    malformed: { id: 'not-a-uuid' },
    empty: { id: '' },
    missing: { noId: true },
    'empty message': { idMessage: new SH.UUID() },
    upper: { id: ctx.id('u').toUpperCase() },
    braces: { id: `{${hex}}` },
    parens: { id: `(${ctx.id('p')})` },
    bare: { id: ctx.id('b').replaceAll('-', '') },
    spaces: { id: ` ${ctx.id('s')} ` },
    'odd dashes': {
      id: `${ctx.id('d').replaceAll('-', '').slice(0, 6)}-${ctx.id('d').replaceAll('-', '').slice(6)}---`,
    },
    short: { id: hex.slice(0, 35) },
    'x form': { id: '{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}' },
  }
  const out = {}
  for (const [name, event] of Object.entries(cases)) {
    const s = ctx.s(`r-${name}`)
    const r = await rawAppend(ctx, s, 'any', [event])
    if (r.success?.position) r.success.position = true
    out[`rpc ${name}`] = r
    const t = ctx.s(`b-${name}`)
    const b = await rawBatch(
      ctx,
      [{ name: 'a', correlation: ctx.id(`c${name}`), stream: t, expected: 'any', events: [event] }],
      { end: false },
    )
    out[`batch ${name}`] = b.answers[0] ?? b
    if (b.answers[0]?.success)
      out[`read ${name}`] = await rawRead(ctx, { stream: t, count: 5 }, { messages: true }).then(({ raw }) => {
        const v = uuidValue(
          raw
            .find((m) => m.hasEvent())
            ?.getEvent()
            .getEvent()
            ?.getId(),
        )
        return v === zeros
          ? 'zeros'
          : v === (event.id ?? '').toLowerCase()
            ? 'same, lower'
            : v === uuidValue(event.idMessage)
              ? 'same structured'
              : v.length
      })
  }
  return out
})
probe('append.ids.zeros-repeat', async (ctx) => {
  const out = []
  const zeros = '00000000-0000-0000-0000-000000000000'
  for (const expected of ['any', 'any', 0n, 'no_stream']) {
    const r = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id(`c${out.length}`),
          stream: ctx.s('x'),
          expected,
          events: [{ id: zeros, type: `T${out.length}` }],
        },
      ],
      { end: false },
    )
    out.push(r.answers[0]?.success ?? r.answers[0]?.status ?? r)
  }
  out.push(await readLine(ctx, { stream: ctx.s('x'), count: 10 }))
  return out
})
probe(
  'append.types',
  async (ctx) => {
    const out = {}
    const types = {
      empty: '',
      space: ' ',
      spaces: 'a b c',
      unicode: 'żółć–事件',
      emoji: '🎉',
      dollar: '$mine',
      'dollar only': '$',
      gt: '$>',
      at: '$@',
      tombstone: '$streamDeleted',
      metadata: '$metadata',
      newline: 'a\nb',
      nul: 'a\0b',
      long1000: 'a'.repeat(1000),
      long32767: 'a'.repeat(32767),
      long40000: 'a'.repeat(40000),
      long65001: 'a'.repeat(65001),
      long70000: 'a'.repeat(70000),
    }
    for (const [name, type] of Object.entries(types)) {
      const r = await rawAppend(ctx, ctx.s(`r${name}`), 'any', [{ id: ctx.id(`r${name}`), type, data: '0@x' }])
      if (r.success?.position) r.success.position = true
      out[`rpc ${name}`] = r
      const b = await rawBatch(
        ctx,
        [
          {
            name: 'a',
            correlation: ctx.id(`c${name}`),
            stream: ctx.s(`b${name}`),
            expected: 'any',
            events: [{ id: ctx.id(`b${name}`), type, data: '0@x' }],
          },
        ],
        { end: false },
      )
      out[`batch ${name}`] = b.answers[0] ?? b
      out[`read ${name}`] = await rawRead(ctx, { stream: ctx.s(`b${name}`), count: 5 }, { messages: true }).then(
        ({ raw, got, status }) => {
          const e = raw
            .find((m) => m.hasEvent())
            ?.getEvent()
            .getEvent()
          return e
            ? e.getMetadataMap().get('type') === type
              ? 'same type'
              : `other type ${String(e.getMetadataMap().get('type')).slice(0, 40)}`
            : line({ got, status })
        },
      )
    }
    return out
  },
  { timeout: 20_000 },
)
probe('append.event-metadata-map', async (ctx) => {
  const out = {}
  const maps = {
    none: {},
    'type only': { type: 'T' },
    'content only': { 'content-type': 'application/json' },
    'content empty': { type: 'T', 'content-type': '' },
    'text/plain': { type: 'T', 'content-type': 'text/plain' },
    octet: { type: 'T', 'content-type': 'application/octet-stream' },
    'json charset': { type: 'T', 'content-type': 'application/json; charset=utf-8' },
    upper: { type: 'T', 'content-type': 'APPLICATION/JSON' },
    extra: { type: 'T', 'content-type': 'application/json', mine: 'yes', created: '1' },
  }
  for (const [name, metadata] of Object.entries(maps)) {
    const r = await rawAppend(ctx, ctx.s(`r${name}`), 'any', [{ id: ctx.id(`r${name}`), metadata }])
    if (r.success?.position) r.success.position = true
    out[`rpc ${name}`] = r
    const b = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id(`c${name}`),
          stream: ctx.s(`b${name}`),
          expected: 'any',
          events: [{ id: ctx.id(`b${name}`), metadata }],
        },
      ],
      { end: false },
    )
    out[`batch ${name}`] = b.answers[0] ?? b
    out[`read ${name}`] = await rawRead(ctx, { stream: ctx.s(`b${name}`), count: 5 }, { messages: true }).then(
      ({ raw }) => {
        const e = raw
          .find((m) => m.hasEvent())
          ?.getEvent()
          .getEvent()
        return e
          ? Object.fromEntries(
              [...e.getMetadataMap().entries()]
                .map(([k, v]) => [
                  k,
                  k === 'created'
                    ? `${v.length > 16 ? 'ticks of .NET since 1970 or more' : 'less'}, ${String(v).length} digits`
                    : v,
                ])
                .sort(),
            )
          : 'no event'
      },
    )
  }
  return out
})
probe('append.contents', async (ctx) => {
  const out = {}
  const cases = {
    'json empty': { data: '' },
    'json invalid': { data: '{nope' },
    'json scalar': { data: '5' },
    'json null': { data: 'null' },
    'json invalid utf8': { data: Buffer.from([0xff, 0xfe, 0x00]) },
    binary: { data: Buffer.from([0, 1, 2, 255]), contentType: 'application/octet-stream' },
    'binary empty': { data: '', contentType: 'application/octet-stream' },
    'meta invalid': { meta: '{nope' },
    'meta scalar': { meta: '1' },
    'meta binary': { meta: Buffer.from([0, 255]) },
    'meta json': { meta: '{"a":1}' },
  }
  for (const [name, event] of Object.entries(cases)) {
    const b = await rawBatch(
      ctx,
      [
        {
          name: 'a',
          correlation: ctx.id(`c${name}`),
          stream: ctx.s(`b${name}`),
          expected: 'any',
          events: [{ id: ctx.id(`b${name}`), ...event }],
        },
      ],
      { end: false },
    )
    out[`append ${name}`] = b.answers[0]?.success ?? b
    out[`raw ${name}`] = await rawRead(ctx, { stream: ctx.s(`b${name}`), count: 5 }, { messages: true }).then(
      ({ raw }) => {
        const e = raw
          .find((m) => m.hasEvent())
          ?.getEvent()
          .getEvent()
        return (
          e && {
            data: Buffer.from(e.getData_asU8()),
            meta: Buffer.from(e.getCustomMetadata_asU8()),
            contentType: e.getMetadataMap().get('content-type'),
          }
        )
      },
    )
    out[`client ${name}`] = await tried(async () => {
      for await (const { event: e } of ctx.client.readStream(ctx.s(`b${name}`)))
        return {
          data: e.data instanceof Uint8Array ? `bytes ${e.data.length}` : JSON.stringify(e.data),
          meta: e.metadata instanceof Uint8Array ? `bytes ${e.metadata.length}` : JSON.stringify(e.metadata),
          isJson: e.isJson,
        }
    })
  }
  return out
})
const MB = 1024 * 1024
for (const [name, bytes] of [
  ['0', 0],
  ['1MiB-3', MB - 3],
  ['1MiB-2', MB - 2],
  ['1MiB-1', MB - 1],
  ['1MiB', MB],
  ['3MiB', 3 * MB],
  ['4.5MiB', 4.5 * MB],
  ['17MiB', 17 * MB],
]) {
  probe(
    `append.size.${name}`,
    async (ctx) => {
      const data = Buffer.alloc(bytes, 'a')
      const out = {}
      const r = await within(
        rawAppend(ctx, ctx.s('r'), 'any', [{ id: ctx.id('r'), data, contentType: 'application/octet-stream' }]),
        8000,
      )
      if (r.success?.position) r.success.position = true
      out.rpc = r
      const b = await rawBatch(
        ctx,
        [
          {
            name: 'a',
            correlation: ctx.id('c'),
            stream: ctx.s('b'),
            expected: 'any',
            events: [{ id: ctx.id('b'), data, contentType: 'application/octet-stream' }],
          },
          {
            name: 'after',
            correlation: ctx.id('c2'),
            stream: ctx.s('b2'),
            expected: 'any',
            events: [{ id: ctx.id('b2') }],
          },
        ],
        { end: false, waitMs: 4000 },
      )
      out.batch = b
      out.client = await attempt(async () => {
        const q = await within(
          ctx.client.appendToStream(ctx.s('k'), db.binaryEvent({ id: ctx.id('k'), type: 'T', data })),
          6000,
        )
        return q === 'timeout' ? q : `ok ${q.nextExpectedRevision}`
      })
      out.next = await attempt(async () => {
        const q = await within(
          ctx.client.appendToStream(ctx.s('k2'), db.jsonEvent({ id: ctx.id('k2'), type: 'T', data: {} })),
          3000,
        )
        return q === 'timeout' ? q : `ok ${q.nextExpectedRevision}`
      })
      return out
    },
    { timeout: 25_000 },
  )
}
probe('append.size.many', async (ctx) => {
  const events = (n, size, l) =>
    Array.from({ length: n }, (_, i) =>
      db.binaryEvent({ id: ctx.id(`${l}${i}`), type: 'T', data: Buffer.alloc(size, 'b') }),
    )
  const out = {}
  for (const [name, n, size] of [
    ['100x10000', 100, 10000],
    ['105x10000', 105, 10000],
    ['1000x1000', 1000, 1000],
    ['1100x1000', 1100, 1000],
  ])
    out[name] = await attempt(
      async () => `ok ${(await ctx.client.appendToStream(ctx.s(name), events(n, size, name))).nextExpectedRevision}`,
    )
  return out
})
const NAMES = () => ({
  all: '$all',
  $$$$: '$$$$',
  $: '$',
  space: ' ',
  slash: '/',
  percent: '%00',
  unicode: 'żółć–事件🎉',
  newline: 'a\nb',
  tab: 'a\tb',
  nul: 'a\0b',
  quote: `a'b"c`,
  'invalid-utf8': null,
})
probe(
  'append.names.special',
  async (ctx) => {
    const out = {}
    for (const [name, special] of Object.entries(NAMES())) {
      const free = ['space', 'slash', 'percent', 'unicode', 'newline', 'tab', 'nul', 'quote'].includes(name)
      const stream = special === null ? undefined : free ? `${ctx.prefix}${special}` : special
      const exp = free ? 'any' : 'any'
      const r = await rawAppend(ctx, stream, exp, [{ id: ctx.id(`r${name}`) }])
      if (r.success) {
        out[`rpc ${name}`] = 'ok'
      } else out[`rpc ${name}`] = r
      const b = await rawBatch(
        ctx,
        [
          {
            name: 'a',
            correlation: ctx.id(`c${name}`),
            stream: stream ?? '',
            noStream: stream === undefined,
            expected: exp,
            events: [{ id: ctx.id(`b${name}`) }],
          },
        ],
        { end: false },
      )
      out[`batch ${name}`] = b.answers[0]?.success ? { ok: true, stream: b.answers[0].stream } : b
      out[`client ${name}`] = !free
        ? 'asked in append.refused'
        : await attempt(async () => {
            const q = await within(ctx.client.appendToStream(stream, ctx.events([`k${name}`])), 1500)
            return q === 'timeout' ? q : 'ok'
          })
      if (free) out[`read ${name}`] = await readLine(ctx, { stream, count: 9 })
      if (free)
        out[`read client ${name}`] = await tried(async () => {
          for await (const { event } of ctx.client.readStream(stream)) return event.streamId
        })
    }
    return out
  },
  { timeout: 25_000 },
)
// What a refused batched append does to the client: without a stream_identifier in the answer it throws where nobody catches.
probe('append.refused.empty-name', async (ctx) => ({
  client: await attempt(async () => {
    const q = await within(ctx.client.appendToStream('', ctx.events(['k'])), 1500)
    return q === 'timeout' ? q : 'ok'
  }),
}))
probe('append.refused.long-name', async (ctx) => ({
  client: await tried(async () => {
    const q = await within(ctx.client.appendToStream(ctx.prefix + 'a'.repeat(17_000), ctx.events(['k'])), 1500)
    return q === 'timeout' ? q : 'ok'
  }).then((t) => t.replace(/a{20,}/g, 'a…')),
}))
probe('append.refused.empty-type', async (ctx) => ({
  client: await attempt(async () => {
    const q = await within(
      ctx.client.appendToStream(ctx.s('x'), db.jsonEvent({ id: ctx.id('1'), type: '', data: {} })),
      1500,
    )
    return q === 'timeout' ? q : 'ok'
  }),
}))
probe('append.refused.bad-id', async (ctx) => ({
  client: await attempt(async () => {
    const q = await within(
      ctx.client.appendToStream(ctx.s('x'), { ...db.jsonEvent({ type: 'T', data: {} }), id: 'nonsense' }),
      1500,
    )
    return q === 'timeout' ? q : 'ok'
  }),
}))
probe('append.refused.zero-id', async (ctx) => ({
  client: await attempt(async () => {
    const q = await within(
      ctx.client.appendToStream(ctx.s('x'), {
        ...db.jsonEvent({ type: 'T', data: {} }),
        id: '00000000-0000-0000-0000-000000000000',
      }),
      1500,
    )
    return q === 'timeout' ? q : 'ok'
  }),
}))
probe('append.refused.all', async (ctx) => ({
  client: await attempt(async () => {
    const q = await within(ctx.client.appendToStream('$all', ctx.events(['k'])), 1500)
    return q === 'timeout' ? q : 'ok'
  }),
}))
probe('append.refused.empty-rpc', async (ctx) => ({
  rpc: await rawAppend(ctx, '', 'any', [{ id: ctx.id('r') }]),
  batch: await rawBatch(
    ctx,
    [{ name: 'a', correlation: ctx.id('c'), stream: '', expected: 'any', events: [{ id: ctx.id('b') }] }],
    { end: false },
  ),
  'metadata of the empty name': 'not asked',
}))
probe(
  'append.names.system',
  async (ctx) => {
    const out = {}
    for (const [name, stream] of Object.entries({
      dollar: `$${ctx.prefix}dollar`,
      meta: `$$${ctx.prefix}`,
      'meta of system': `$$$${ctx.prefix}`,
      'meta of meta': `$$$$${ctx.prefix}`,
      ce: `$ce-${ctx.prefix}`,
      ps: `$persistentsubscription-${ctx.prefix}::g-checkpoint`,
      'settings-like': `$settings${ctx.prefix}`,
    })) {
      for (const expected of ['any', 'no_stream', 'stream_exists', 0n]) {
        const r = await rawAppend(ctx, `${stream}${expected}`, expected, [
          {
            id: ctx.id(`r${name}${expected}`),
            type: name.startsWith('meta') ? '$metadata' : 'T',
            data: '{"$maxCount":3}',
          },
        ])
        out[`${name} ${expected}`] = r.success ? { ok: r.success.currentRevision } : r
      }
      await rawAppend(ctx, `${stream}any`, 'any', [{ id: ctx.id(`x${name}`), data: '{"a":1}' }])
      out[`${name} read`] = await readLine(ctx, { stream: `${stream}any`, count: 9 })
      // A soft delete of a metastream ends the process of a real 23.10.6.
      if (name.startsWith('meta')) continue
      out[`${name} delete`] = await tried(async () => {
        await ctx.client.deleteStream(`${stream}any`)
        return 'ok'
      })
      out[`${name} read after delete`] = await readLine(ctx, { stream: `${stream}any`, count: 9 })
      out[`${name} tombstone`] = await tried(async () => {
        await ctx.client.tombstoneStream(`${stream}any`)
        return 'ok'
      })
      out[`${name} read after tombstone`] = await readLine(ctx, { stream: `${stream}any`, count: 9 })
      out[`${name} append after`] = await ctx.tryAppend(`${stream}any`, ['later'])
    }
    return out
  },
  { timeout: 20_000 },
)
probe('append.names.settings', async (ctx) => {
  // `$settings` is the server's own default of access rights; only read here.
  return {
    read: await readLine(ctx, { stream: '$settings', count: 3 }),
    meta: await attempt(async () => JSON.stringify((await ctx.client.getStreamMetadata('$settings')).metadata)),
  }
})
probe(
  'append.names.long',
  async (ctx) => {
    const out = {}
    for (const n of [1000, 10_000, 15_999, 16_000, 16_001, 32_000, 65_500, 70_000, 300_000]) {
      const stream = ctx.prefix + 'a'.repeat(n - ctx.prefix.length)
      const r = await within(rawAppend(ctx, stream, 'any', [{ id: ctx.id(`r${n}`) }]), 3000)
      out[`rpc ${n}`] = r.success
        ? 'ok'
        : typeof r === 'object'
          ? { ...r, text: String(r.text).replace(/a{20,}/g, 'a…') }
          : r
      const b = await rawBatch(
        ctx,
        [{ name: 'a', correlation: ctx.id(`c${n}`), stream, expected: 'any', events: [{ id: ctx.id(`b${n}`) }] }],
        { end: false, waitMs: 1500 },
      )
      out[`batch ${n}`] = b.answers[0]?.success ? 'ok' : JSON.parse(JSON.stringify(b).replace(/a{20,}/g, 'a…'))
      out[`read ${n}`] = (await readLine(ctx, { stream, count: 1 })).replace(/a{20,}/g, 'a…')
      const q = await rawAppend(ctx, `$$${stream}`, 'any', [{ id: ctx.id(`m${n}`), type: '$metadata', data: '{}' }])
      out[`meta ${n}`] = q.success ? 'ok' : { code: q.code }
    }
    return out
  },
  { timeout: 40_000 },
)

export { MB }
