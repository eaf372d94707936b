/** Probes of stream metadata. */
import { attempt, line, probe, rawAppend, rawRead, readLine, sleep, subLine, tried } from './asking.mjs'
import { fiveEvents } from './reads.mjs'

const metaOf = (ctx, stream) =>
  attempt(async () => {
    const r = await ctx.client.getStreamMetadata(stream)
    return { metadata: JSON.stringify(r.metadata, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) }
  })
const rawMeta = (ctx, stream, data, extra = {}) =>
  rawAppend(ctx, `$$${stream}`, 'any', [
    { id: ctx.id(`meta${stream}${data}${extra.type ?? ''}${extra.again ?? ''}`), type: '$metadata', data, ...extra },
  ]).then((r) => (r.success ? 'ok' : r))
const views = async (ctx, x) => ({
  start: await readLine(ctx, { stream: x, count: 100 }),
  end: await readLine(ctx, { stream: x, count: 100, backwards: true, from: 'end' }),
  from1: await readLine(ctx, { stream: x, from: 1, count: 100 }),
  sub: await subLine(ctx, { stream: x }, { ms: 250 }),
})
const META_VALUES = {
  'maxCount 2': '{"$maxCount":2}',
  'maxCount 0': '{"$maxCount":0}',
  'maxCount -1': '{"$maxCount":-1}',
  'maxCount "2"': '{"$maxCount":"2"}',
  'maxCount 2.5': '{"$maxCount":2.5}',
  'maxCount 2.0': '{"$maxCount":2.0}',
  'maxCount 2e0': '{"$maxCount":2e0}',
  'maxCount true': '{"$maxCount":true}',
  'maxCount null': '{"$maxCount":null}',
  'maxCount overflow': '{"$maxCount":9223372036854775808}',
  'maxCount max': '{"$maxCount":9223372036854775807}',
  'maxCount 2^53+2': '{"$maxCount":9007199254740994}',
  'maxCount []': '{"$maxCount":[2]}',
  'tb 3': '{"$tb":3}',
  'tb 0': '{"$tb":0}',
  'tb -1': '{"$tb":-1}',
  'tb "3"': '{"$tb":"3"}',
  'tb 3.0': '{"$tb":3.0}',
  'tb 3.7': '{"$tb":3.7}',
  'tb 5': '{"$tb":5}',
  'tb 100': '{"$tb":100}',
  'tb max int32': '{"$tb":2147483647}',
  'tb max': '{"$tb":9223372036854775807}',
  'tb max-1': '{"$tb":9223372036854775806}',
  'tb js max': '{"$tb":9223372036854776000}',
  'tb 2^53': '{"$tb":9007199254740992}',
  'maxAge 1': '{"$maxAge":3600}',
  'maxAge "1"': '{"$maxAge":"1"}',
  'maxAge 0': '{"$maxAge":0}',
  'maxAge -5': '{"$maxAge":-5}',
  'maxAge huge': '{"$maxAge":9223372036854775807}',
  'maxAge 1e12': '{"$maxAge":1000000000000}',
  cache: '{"$cacheControl":10}',
  'cache "x" and count': '{"$cacheControl":"x","$maxCount":2}',
  'cache -1 and count': '{"$cacheControl":-1,"$maxCount":2}',
  'count then bad tb': '{"$maxCount":2,"$tb":"x"}',
  'bad tb then count': '{"$tb":"x","$maxCount":2}',
  'count and tb': '{"$maxCount":2,"$tb":1}',
  'count neg and tb': '{"$maxCount":-2,"$tb":3}',
  'count 0 and tb': '{"$maxCount":0,"$tb":3}',
  'custom and count': '{"mine":{"deep":[1,{"$maxCount":1}]},"$maxCount":2}',
  twice: '{"$maxCount":1,"$maxCount":3}',
  case: '{"$MaxCount":2}',
  'maxCount plain': '{"maxCount":2}',
  'acl ok and count': '{"$acl":{"$r":["a"],"$w":"b"},"$maxCount":2}',
  'acl string and count': '{"$acl":"x","$maxCount":2}',
  'acl null and count': '{"$acl":null,"$maxCount":2}',
  'acl number role and count': '{"$acl":{"$r":5},"$maxCount":2}',
  'acl unknown key and count': '{"$acl":{"other":"x"},"$maxCount":2}',
  'acl array number': '{"$acl":{"$r":[5]},"$maxCount":2}',
  'invalid json': '{nope',
  'truncated json': '{"$maxCount":2',
  trailing: '{"$maxCount":2} trailing',
  'trailing comma': '{"$maxCount":2,}',
  'single quotes': "{'$maxCount':2}",
  unquoted: '{$maxCount:2}',
  comment: '/* c */{"$maxCount":2}',
  'comment inside': '{/* c */"$maxCount":2}',
  array: '[{"$maxCount":2}]',
  scalar: '5',
  null: 'null',
  empty: '',
  bom: '\ufeff{"$maxCount":2}',
  hex: '{"$maxCount":0x2}',
  octal: '{"$maxCount":02}',
  spaces: '  { "$maxCount" : 2 }  ',
  NaN: '{"$maxCount":NaN}',
  tempStream: '{"$tmp":true,"$maxCount":2}',
  'tempStream bad': '{"$tmp":"yes","$maxCount":2}',
  'utf8 bad': Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff]), Buffer.from('","$maxCount":2}')]),
}
for (const part of [0, 1, 2, 3]) {
  probe(
    `meta.values.${part}`,
    async (ctx) => {
      const out = {}
      for (const [name, data] of Object.entries(META_VALUES).filter((_, i) => i % 4 === part)) {
        const x = ctx.s(name)
        await fiveEvents(ctx, x)
        await rawMeta(ctx, x, data)
        out[name] = {
          start: await readLine(ctx, { stream: x, count: 100 }),
          end: await readLine(ctx, { stream: x, count: 100, backwards: true, from: 'end' }),
          get: await metaOf(ctx, x),
        }
        out[name].after = await ctx.tryAppend(x, [`${name}6`], 4n)
        // biome-ignore lint/suspicious/noThenProperty: the record calls it so, and nobody awaits the object that has it
        out[name].then = await ctx.tryRead(x)
      }
      return out
    },
    { timeout: 30_000 },
  )
}
probe(
  'meta.views',
  async (ctx) => {
    const out = {}
    for (const [name, m] of Object.entries({
      none: {},
      count: { maxCount: 2 },
      tb: { truncateBefore: 3 },
      both: { maxCount: 4, truncateBefore: 2 },
      age: { maxAge: 3600 },
    })) {
      const x = ctx.s(name)
      await fiveEvents(ctx, x)
      out[`set ${name}`] = await tried(async () => {
        const r = await ctx.client.setStreamMetadata(x, m, { expectedRevision: 'no_stream' })
        return `ok ${r.nextExpectedRevision}`
      })
      out[name] = await views(ctx, x)
      await ctx.append(x, [`${name}6`])
      out[`${name} after one more`] = await ctx.tryRead(x)
      out[`${name} get`] = await metaOf(ctx, x)
      const p = []
      for await (const { event } of ctx.client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 12 }))
        if (event?.streamId === x) p.push(`${event.revision}`)
      out[`${name} in $all`] = p.join(' ')
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'meta.maxAge',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(x, ['1', '2'])
    await ctx.client.setStreamMetadata(x, { maxAge: 1 })
    const before = await ctx.tryRead(x)
    await sleep(1300)
    const expired = await views(ctx, x)
    const append = await ctx.tryAppend(x, ['3'], 1n)
    return {
      before: before === '0 1' || before,
      expired,
      append,
      after: await ctx.tryRead(x),
      exists: await ctx.tryAppend(x, ['4'], 'stream_exists'),
      last: await readLine(ctx, { stream: x, count: 1, backwards: true, from: 'end' }),
    }
  },
  { timeout: 15_000 },
)
probe('meta.other-types', async (ctx) => {
  const out = {}
  const x = ctx.s('x')
  await fiveEvents(ctx, x)
  await rawMeta(ctx, x, '{"$maxCount":2}')
  out.$metadata = [await ctx.tryRead(x), await metaOf(ctx, x)]
  await rawMeta(ctx, x, '{"$maxCount":3}', { type: 'Other' })
  out.Other = [await ctx.tryRead(x), await metaOf(ctx, x)]
  await rawMeta(ctx, x, '{"$maxCount":1}', { type: 'Binary', contentType: 'application/octet-stream' })
  out['binary content type'] = [await ctx.tryRead(x), await metaOf(ctx, x)]
  await rawMeta(ctx, x, 'nonsense', { type: 'Other2' })
  out.nonsense = [await ctx.tryRead(x), await metaOf(ctx, x)]
  out.metastream = await readLine(ctx, { stream: `$$${x}`, count: 10 })
  out['metastream back'] = await readLine(ctx, { stream: `$$${x}`, count: 10, backwards: true, from: 'end' })
  const before = { id: ctx.id('batch1'), type: '$metadata', data: '{"$maxCount":1}' }
  const after = { id: ctx.id('batch2'), type: '$metadata', data: '{"$maxCount":4}' }
  await rawAppend(ctx, `$$${x}`, 'any', [before, after])
  out['two in a batch'] = [
    await ctx.tryRead(x),
    await metaOf(ctx, x),
    await readLine(ctx, { stream: `$$${x}`, count: 10 }),
  ]
  return out
})
probe(
  'meta.expectations',
  async (ctx) => {
    const out = {}
    const x = ctx.s('x')
    const set = (e, n) =>
      tried(async () => {
        const r = await ctx.client.setStreamMetadata(x, { maxCount: n }, { expectedRevision: e })
        return `ok ${r.nextExpectedRevision}`
      })
    out['stream_exists, none'] = await set('stream_exists', 1)
    out['0, none'] = await set(0n, 1)
    out['get, none'] = await metaOf(ctx, x)
    out.no_stream = await set('no_stream', 5)
    out['no_stream again'] = await set('no_stream', 6)
    out.stream_exists = await set('stream_exists', 7)
    out['1'] = await set(1n, 8)
    out['0 wrong'] = await set(0n, 9)
    out.get = await metaOf(ctx, x)
    out.read = await readLine(ctx, { stream: x, count: 3 })
    out['append no_stream after meta'] = await ctx.tryAppend(x, ['1'], 'no_stream')
    out['metadata with acl'] = await tried(async () => {
      const r = await ctx.client.setStreamMetadata(x, {
        maxCount: 9,
        acl: {
          readRoles: ['r'],
          writeRoles: ['w1', 'w2'],
          deleteRoles: [],
          metaReadRoles: ['mr'],
          metaWriteRoles: ['mw'],
        },
        cacheControl: 5,
        maxAge: 100,
        truncateBefore: 0,
        mine: { a: 1 },
      })
      return `ok ${r.nextExpectedRevision}`
    })
    out['get acl'] = await metaOf(ctx, x)
    out['stream_exists of meta-only stream'] = await (async () => {
      const y = ctx.s('y')
      await ctx.client.setStreamMetadata(y, { maxCount: 2 })
      return [await ctx.tryAppend(y, ['1'], 'stream_exists'), await ctx.tryRead(y)]
    })()
    out.missing = await metaOf(ctx, ctx.s('nothing'))
    out['meta of meta'] = [
      await rawMeta(ctx, `$$${x}`, '{"$maxCount":5}'),
      await readLine(ctx, { stream: `$$$$${x}`, count: 5 }),
      await readLine(ctx, { stream: `$$${x}`, count: 10 }),
    ]
    out['client meta of meta'] = await tried(
      async () => `ok ${(await ctx.client.setStreamMetadata(`$$${x}`, { maxCount: 5 })).nextExpectedRevision}`,
    )
    out['get meta of meta'] = await metaOf(ctx, `$$${x}`)
    await ctx.append(`$$${x}`, ['q1'])
    await ctx.append(`$$${x}`, ['q2'])
    out['metastream keeps'] = [
      await readLine(ctx, { stream: `$$${x}`, count: 10 }),
      await readLine(ctx, { stream: `$$${x}`, from: 1, count: 10 }),
      await subLine(ctx, { stream: `$$${x}` }, { ms: 250 }),
    ]
    return out
  },
  { timeout: 15_000 },
)
probe(
  'meta.soft-deleted',
  async (ctx) => {
    const out = {}
    for (const [name, m] of Object.entries({
      empty: {},
      count: { maxCount: 2 },
      'count 10': { maxCount: 10 },
      tb0: { truncateBefore: 0 },
      tb1: { truncateBefore: 1 },
      tb9: { truncateBefore: 9 },
      custom: { mine: 1 },
    })) {
      const x = ctx.s(name)
      await ctx.append(x, [`${name}1`, `${name}2`, `${name}3`])
      await ctx.client.setStreamMetadata(x, { maxCount: 50, mine: 'before', acl: { readRoles: ['$all'] } })
      await ctx.client.deleteStream(x)
      out[`${name} deleted`] = await metaOf(ctx, x)
      out[`${name} set`] = await tried(
        async () => `ok ${(await ctx.client.setStreamMetadata(x, m)).nextExpectedRevision}`,
      )
      out[`${name} read`] = await ctx.tryRead(x)
      out[`${name} get`] = await metaOf(ctx, x)
      out[`${name} append no_stream`] = await ctx.tryAppend(x, [`${name}4`], 'no_stream')
      out[`${name} append any`] = await ctx.tryAppend(x, [`${name}5`], 'any')
      out[`${name} read after`] = await ctx.tryRead(x)
      out[`${name} get after`] = await metaOf(ctx, x)
      out[`${name} metastream`] = await readLine(ctx, { stream: `$$${x}`, count: 10 })
    }
    return out
  },
  { timeout: 25_000 },
)
probe(
  'meta.delete-content',
  async (ctx) => {
    const out = {}
    const raw = async (x) => {
      const r = await rawRead(ctx, { stream: `$$${x}`, count: 5 }, { messages: true })
      const e = r.raw
        .find((m) => m.hasEvent())
        ?.getEvent()
        .getEvent()
      return e
        ? {
            revision: e.getStreamRevision(),
            type: e.getMetadataMap().get('type'),
            contentType: e.getMetadataMap().get('content-type'),
            data: Buffer.from(e.getData_asU8()).toString(),
            meta: Buffer.from(e.getCustomMetadata_asU8()).toString(),
          }
        : line(r)
    }
    const cases = {
      none: undefined,
      count: { maxCount: 7 },
      all: {
        maxCount: 7,
        maxAge: 1000,
        truncateBefore: 1,
        cacheControl: 3,
        acl: { readRoles: ['$all'], writeRoles: ['$all'], deleteRoles: ['$all'] },
        mine: 'x',
        nested: { a: [1, 2] },
      },
    }
    for (const [name, m] of Object.entries(cases)) {
      const x = ctx.s(name)
      await ctx.append(x, [`${name}1`, `${name}2`])
      if (m) await ctx.client.setStreamMetadata(x, m)
      await ctx.client.deleteStream(x)
      out[`${name} deleted`] = await raw(x)
      await ctx.append(x, [`${name}3`], 'no_stream')
      out[`${name} recreated`] = await raw(x)
      await ctx.client.deleteStream(x)
      out[`${name} deleted again`] = await raw(x)
      await ctx.append(x, [`${name}4`], 'any')
      out[`${name} recreated any`] = await raw(x)
      out[`${name} read`] = await ctx.tryRead(x)
    }
    const y = ctx.s('rawjson')
    await ctx.append(y, ['y1'])
    await rawMeta(ctx, y, 'not json')
    await ctx.client.deleteStream(y)
    out['not json deleted'] = await raw(y)
    await ctx.append(y, ['y2'])
    out['not json recreated'] = [await raw(y), await ctx.tryRead(y)]
    const t = ctx.s('tomb')
    await ctx.append(t, ['t1'])
    await ctx.client.setStreamMetadata(t, { maxCount: 3 })
    await ctx.client.tombstoneStream(t)
    out.tombstoned = [await raw(t), await metaOf(ctx, t)]
    return out
  },
  { timeout: 20_000 },
)
