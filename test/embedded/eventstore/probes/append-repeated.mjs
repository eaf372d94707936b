/** Probes of appends that are sent again. */
import { probe, sleep } from './asking.mjs'

const idem = (name, steps, options) =>
  probe(
    `append.repeat.${name}`,
    async (ctx) => {
      const out = []
      const x = ctx.s('x')
      await steps({
        ctx,
        x,
        a: async (labels, expected, stream = x) => {
          const r = await ctx.tryAppend(stream, labels, expected)
          out.push(`[${[].concat(labels)}] ${expected}${stream === x ? '' : ' elsewhere'} → ${r}`)
        },
        see: async (stream = x) => out.push(`reads ${await ctx.tryRead(stream)}`),
        note: (text) => out.push(text),
      })
      return out
    },
    options,
  )
for (const first of ['no_stream', 'any', 'stream_exists', 0n]) {
  for (const second of ['no_stream', 'any', 'stream_exists', -0n === first ? first : 0n, 1n, 2n].filter(
    (v, i, all) => all.indexOf(v) === i,
  )) {
    idem(`${first}-then-${second}`, async ({ a, see }) => {
      if (first === 'stream_exists' || first === 0n) await a(['z'], 'no_stream')
      await a(['1', '2'], first)
      await a(['1', '2'], second)
      await a(['1'], second)
      await a(['2'], second)
      await a(['o1', 'o2'], 'any')
      await a(['1', '2'], second)
      await a(['1', 'new'], second)
      await a(['new2', '2'], second)
      await a(['1', '2', 'new3'], second)
      await a(['2', '1'], second)
      await see()
    })
  }
}
idem('after-1.5s', async ({ a, see }) => {
  await a(['1'], 'any')
  await a(['2', '3'], 'any')
  await sleep(1500)
  await a(['1'], 'any')
  await a(['2', '3'], 'any')
  await a(['1'], 'stream_exists')
  await a(['2', '3'], 0n)
  await a(['1'], 'no_stream')
  await see()
})
idem('after-1000-others', async ({ a, see, ctx }) => {
  await a(['1'], 'any')
  await a(['2'], 0n)
  await ctx.append(
    ctx.s('other'),
    Array.from({ length: 1000 }, (_, i) => `f${i}`),
  )
  await a(['1'], 'any')
  await a(['2'], 0n)
  await a(['2'], 'any')
  await see()
})
idem('elsewhere', async ({ a, see, ctx }) => {
  const y = ctx.s('y')
  await a(['1'], 'any')
  await a(['1'], 'any', y)
  await a(['1'], 'no_stream', ctx.s('z'))
  await a(['1'], 'any')
  await a(['1'], 'any', y)
  await a(['1'], 'any')
  await a(['1', '2'], 'any', y)
  await a(['3', '1'], 'any', y)
  await see()
  await see(y)
})
idem('two-equal', async ({ a, see, ctx }) => {
  await a(['1', '1'], 'any')
  await a(['1', '1'], 'any')
  await a(['1'], 'any')
  await see()
  for (const e of ['no_stream']) {
    const s = ctx.s(`n${e}`)
    await a(['7', '7'], e, s)
    await a(['7', '7'], e, s)
    await a(['7'], e, s)
    await see(s)
  }
  const s = ctx.s('r')
  await a(['8'], 'any', s)
  await a(['9', '9', '9'], 0n, s)
  await a(['9', '9', '9'], 0n, s)
  await see(s)
})
idem('soft-deleted', async ({ a, see, ctx, x }) => {
  await a(['1', '2'], 'any')
  await ctx.client.deleteStream(x)
  await a(['1', '2'], 'any')
  await see()
  await a(['1', '2'], 'no_stream')
  await see()
  await a(['1'], 0n)
  await a(['2'], 0n)
  await see()
})
idem('soft-deleted-no_stream', async ({ a, see, ctx, x }) => {
  await a(['1', '2'], 'no_stream')
  await ctx.client.deleteStream(x)
  await a(['1', '2'], 'no_stream')
  await see()
  await a(['3'], 'no_stream')
  await see()
  await a(['3'], 'no_stream')
  await a(['1', '2'], 'no_stream')
  await a(['1', '2'], 'any')
  await see()
})
idem('soft-deleted-first-new', async ({ a, see, ctx, x }) => {
  await a(['1', '2'], 'no_stream')
  await ctx.client.deleteStream(x)
  await a(['1', '9'], 'no_stream')
  await see()
  await a(['8', '2'], 'no_stream')
  await see()
})
idem('soft-deleted-revision', async ({ a, see, ctx, x }) => {
  await a(['1', '2', '3'], 'no_stream')
  await ctx.client.deleteStream(x)
  await a(['2'], 0n)
  await a(['4'], 0n)
  await a(['5'], 1n)
  await a(['6'], 2n)
  await see()
})
idem('soft-deleted-exists', async ({ a, see, ctx, x }) => {
  await a(['1'], 'any')
  await ctx.client.deleteStream(x)
  await a(['2'], 'stream_exists')
  await see()
  await a(['1'], 'stream_exists')
})
idem('truncated', async ({ a, see, ctx, x }) => {
  await a(['1', '2', '3'], 'no_stream')
  await ctx.client.setStreamMetadata(x, { truncateBefore: 2 })
  await a(['1', '2'], 'no_stream')
  await a(['2'], 0n)
  await a(['1'], 'any')
  await a(['3'], 1n)
  await see()
})
idem('tombstoned', async ({ a, ctx, x }) => {
  await a(['1'], 'no_stream')
  await ctx.client.tombstoneStream(x)
  await a(['1'], 'no_stream')
  await a(['1'], 'any')
})
idem('long-tail', async ({ a, see }) => {
  await a(['1', '2', '3'], 'no_stream')
  await a(['2', '3'], 0n)
  await a(['3', '4'], 1n)
  await a(['2', '3', '4'], 0n)
  await a(['2'], 0n)
  await a(['3'], 0n)
  await a(['2'], 1n)
  await see()
})
idem('in-flight', async ({ note, see, ctx, x }) => {
  const results = await Promise.all(Array.from({ length: 8 }, () => ctx.tryAppend(x, ['1', '2'], 'any')))
  note([...new Set(results)].join(' / '))
  const others = await Promise.all(Array.from({ length: 8 }, () => ctx.tryAppend(ctx.s('n'), ['1', '2'], 'no_stream')))
  note([...new Set(others)].join(' / '))
  await see()
  await see(ctx.s('n'))
})
idem('position', async ({ note, ctx, x }) => {
  const one = await ctx.client.appendToStream(x, ctx.events(['1', '2']), { expectedRevision: 'no_stream' })
  const two = await ctx.client.appendToStream(x, ctx.events(['1', '2']), { expectedRevision: 'no_stream' })
  const three = await ctx.client.appendToStream(x, ctx.events(['1', '2']), { expectedRevision: 'any' })
  const four = await ctx.client.appendToStream(x, ctx.events(['1']), { expectedRevision: 'no_stream' })
  const read = await ctx.positions(x)
  const eq = (p) => (p ? read.findIndex((r) => r.commit === p.commit) : 'none')
  note({ first: eq(one.position), again: eq(two.position), any: eq(three.position), part: eq(four.position) })
})
