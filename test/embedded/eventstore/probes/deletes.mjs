/** Probes of deletes and tombstones. */

import { prepareState, STATES } from './append.mjs'
import { attempt, err, identifier, oneofs, probe, readLine, S, SH, setExpected, tried, within } from './asking.mjs'

for (const how of ['deleteStream', 'tombstoneStream']) {
  probe(
    `${how}.expected`,
    async (ctx) => {
      const out = {}
      for (const state of STATES) {
        for (const expected of ['any', 'no_stream', 'stream_exists', 0n, 1n, 5n]) {
          const x = ctx.s(`${state}-${expected}`)
          await prepareState(ctx, x, state)
          out[`${state} ${expected}`] = await attempt(async () => {
            const r = await within(ctx.client[how](x, { expectedRevision: expected }), 2000)
            return r === 'timeout' ? r : `ok ${r.position ? 'position' : 'no position'}`
          })
          out[`${state} ${expected} then`] =
            `${await ctx.tryRead(x)} / ${await ctx.tryAppend(x, [`${x}z`], 'no_stream')} / ${await ctx.tryRead(x)}`
        }
      }
      return out
    },
    { timeout: 40_000 },
  )
}
probe(
  'delete.sequences',
  async (ctx) => {
    const out = []
    const x = ctx.s('x')
    const go = async (label, work) => out.push(`${label} → ${await tried(work)}`)
    const a = (l, e) => go(`append ${l} ${e}`, () => ctx.append(x, [l], e))
    const del = (e) =>
      go(`delete ${e}`, async () => {
        await ctx.client.deleteStream(x, { expectedRevision: e })
        return 'ok'
      })
    const see = () => go('read', () => ctx.read(x))
    await a('1', 'no_stream')
    await a('2', 'any')
    await del(1n)
    await see()
    await del('any')
    await del('stream_exists')
    await del('no_stream')
    await del(1n)
    await a('3', 'stream_exists')
    await a('3', 5n)
    await a('3', 0n)
    await a('3', 1n)
    await see()
    await del('any')
    await a('4', 'no_stream')
    await see()
    await del(3n)
    await a('5', 'any')
    await see()
    out.push(
      await readLine(ctx, { stream: x, count: 100, compat: 1 }),
      await readLine(ctx, { stream: x, from: 0, count: 2 }),
      await readLine(ctx, { stream: x, from: 'end', backwards: true, count: 9 }),
      await readLine(ctx, { stream: `$$${x}`, count: 9 }),
    )
    await go('tombstone', async () => {
      await ctx.client.tombstoneStream(x, { expectedRevision: 4n })
      return 'ok'
    })
    await see()
    await a('6', 'any')
    await a('6', 'no_stream')
    await a('6', 4n)
    await del('any')
    await go('tombstone again', async () => {
      await ctx.client.tombstoneStream(x)
      return 'ok'
    })
    await go(
      'set metadata',
      async () => `ok ${(await ctx.client.setStreamMetadata(x, { maxCount: 1 })).nextExpectedRevision}`,
    )
    await go('get metadata', async () => JSON.stringify((await ctx.client.getStreamMetadata(x)).metadata))
    out.push(await readLine(ctx, { stream: `$$${x}`, count: 9 }))
    const all = []
    for await (const { event } of ctx.client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 60 }))
      if (event?.streamId.includes(x))
        all.push(`${event.revision}@${event.streamId.startsWith('$$') ? '$$' : ''}x:${event.type}`)
    out.push(`$all: ${all.join(' ')}`)
    return out
  },
  { timeout: 15_000 },
)
probe('delete.raw', async (ctx) => {
  const out = {}
  for (const [how, Req] of [
    ['delete', S.DeleteReq],
    ['tombstone', S.TombstoneReq],
  ]) {
    const send = (options) =>
      new Promise((resolve) => {
        const r = new Req()
        if (options) r.setOptions(options)
        ctx.streams[how](r, (e, a) => resolve(e ? err(e) : oneofs(a, ['position', 'noPosition'])))
      })
    const o = (stream, e) => {
      const q = new Req.Options()
      if (stream !== undefined) q.setStreamIdentifier(identifier(stream))
      setExpected(q, e, 'setRevision', SH.Empty)
      return q
    }
    await ctx.append(ctx.s(`${how}x`), [`${how}1`])
    out[`${how} no options`] = await send(undefined)
    out[`${how} no expectation`] = await send(o(ctx.s(`${how}x`), undefined))
    out[`${how} max revision`] = await send(o(ctx.s(`${how}x`), '18446744073709551615'))
  }
  return out
})
probe('tombstone.event', async (ctx) => {
  const x = ctx.s('x')
  await ctx.append(x, ['1', '2'])
  await ctx.client.tombstoneStream(x)
  const out = {}
  for (const r of await ctx.client
    .readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 10 })
    [Symbol.asyncIterator]()
    .next()
    .then((n) => [n.value]))
    out.last = {
      stream: r.event.streamId,
      type: r.event.type,
      revision: r.event.revision,
      isJson: r.event.isJson,
      data: r.event.data instanceof Uint8Array ? `bytes ${r.event.data.length}` : JSON.stringify(r.event.data),
    }
  out['read from 0'] = await readLine(ctx, { stream: x, from: 0, count: 3 })
  out['missing tombstoned'] = await (async () => {
    const y = ctx.s('y')
    const r = await tried(async () => {
      await ctx.client.tombstoneStream(y)
      return 'ok'
    })
    return [r, await ctx.tryRead(y)]
  })()
  return out
})
