/** Probes of persistent subscriptions. */

import { prepareState } from './append.mjs'
import {
  attempt,
  brief,
  db,
  emptyOf,
  err,
  grpc,
  identifier,
  line,
  P,
  probe,
  rawAppend,
  rawRead,
  readLine,
  sleep,
  tried,
  uuidOf,
  within,
} from './asking.mjs'

const settingsOf = (o = {}) => db.persistentSubscriptionToStreamSettingsFromDefaults(o)
const settingsAllOf = (o = {}) => db.persistentSubscriptionToAllSettingsFromDefaults(o)
const info = (i, _ctx) => {
  const { connections, ...rest } = JSON.parse(JSON.stringify(i, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)))
  return { ...rest, connections: connections?.length ?? 0 }
}

/** Listens to a group; `on` gets each event and the subscription. */
function listen(ctx, stream, group, on = (e, s) => s.ack(e), options = {}) {
  const sub =
    stream === '$all'
      ? ctx.client.subscribeToPersistentSubscriptionToAll(group, options)
      : ctx.client.subscribeToPersistentSubscriptionToStream(stream, group, options)
  const seen = []
  for (const name of ['error', 'end', 'close']) sub.on(name, (e) => seen.push(e ? `${name} ${brief(e)}` : name))
  sub.on('data', (e) => {
    const own = e.event ?? e.link
    if (stream === '$all' && !own?.streamId.includes(ctx.prefix)) {
      sub.ack(e).catch(() => undefined)
      return
    }
    seen.push(
      `${stream === '$all' ? `${own.streamId}:` : ''}${own?.revision ?? '-'}${e.retryCount ? `(${e.retryCount})` : ''}`,
    )
    Promise.resolve(on(e, sub, seen)).catch((error) => seen.push(brief(error)))
  })
  const ready = new Promise((resolve) => {
    sub.on('confirmation', resolve)
    sub.on('error', resolve)
  })
  return {
    sub,
    seen,
    ready: within(ready, 1500),
    stop: async () => {
      await within(sub.unsubscribe(), 500)
      await sleep(80)
    },
  }
}

probe(
  'ps.lifecycle',
  async (ctx) => {
    const out = {}
    const x = ctx.s('x')
    const T = async (label, work) => {
      out[label] = await attempt(async () => (await work()) ?? 'ok')
    }
    await T('create', () => ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf()))
    await T('create again', () => ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf()))
    await T('create other settings', () =>
      ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ maxRetryCount: 3 })),
    )
    await T('info', async () => info(await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g'), ctx))
    await T('update', () =>
      ctx.client.updatePersistentSubscriptionToStream(
        x,
        'g',
        settingsOf({ maxRetryCount: 3, resolveLinkTos: true, consumerStrategyName: 'Pinned', startFrom: 'end' }),
      ),
    )
    await T('info updated', async () => info(await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g'), ctx))
    await T('list to stream', async () =>
      (await ctx.client.listPersistentSubscriptionsToStream(x)).map((i) => `${i.eventSource}/${i.groupName}`),
    )
    await T('list to missing', async () => (await ctx.client.listPersistentSubscriptionsToStream(ctx.s('none'))).length)
    await T(
      'list all has',
      async () => (await ctx.client.listAllPersistentSubscriptions()).filter((i) => i.eventSource === x).length,
    )
    await T('update missing', () => ctx.client.updatePersistentSubscriptionToStream(x, 'none', settingsOf()))
    await T('delete missing', () => ctx.client.deletePersistentSubscriptionToStream(x, 'none'))
    await T('delete missing stream', () => ctx.client.deletePersistentSubscriptionToStream(ctx.s('none'), 'g'))
    await T('info missing', () => ctx.client.getPersistentSubscriptionToStreamInfo(x, 'none'))
    await T('replay missing', () => ctx.client.replayParkedMessagesToStream(x, 'none'))
    await T('replay with none parked', () => ctx.client.replayParkedMessagesToStream(x, 'g'))
    const l = listen(ctx, x, 'none')
    await sleep(500)
    out['connect missing'] = l.seen
    await l.stop()
    const m = listen(ctx, x, 'g')
    await m.ready
    await T('delete', () => ctx.client.deletePersistentSubscriptionToStream(x, 'g'))
    await sleep(300)
    out['connected while deleted'] = m.seen
    await m.stop()
    await T('delete twice', () => ctx.client.deletePersistentSubscriptionToStream(x, 'g'))
    await T('create after delete', () => ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf()))
    const u = listen(ctx, x, 'g')
    await u.ready
    await T('update while connected', () =>
      ctx.client.updatePersistentSubscriptionToStream(x, 'g', settingsOf({ maxRetryCount: 4 })),
    )
    await sleep(400)
    out['connected while updated'] = u.seen
    await u.stop()
    return out
  },
  { timeout: 20_000 },
)
probe(
  'ps.lifecycle.all',
  async (ctx) => {
    const out = {}
    const g = ctx.s('g')
    const T = async (label, work) => {
      out[label] = await attempt(async () => (await work()) ?? 'ok')
    }
    await T('create', () => ctx.client.createPersistentSubscriptionToAll(g, settingsAllOf({ startFrom: 'end' })))
    await T('create again', () => ctx.client.createPersistentSubscriptionToAll(g, settingsAllOf()))
    await T('create filtered', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}f`, settingsAllOf(), {
        filter: db.streamNameFilter({ prefixes: [ctx.s('')] }),
      }),
    )
    await T('create bad regex', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}b`, settingsAllOf(), {
        filter: db.streamNameFilter({ regex: '(' }),
      }),
    )
    await T('create anchors', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}c`, settingsAllOf(), {
        filter: db.streamNameFilter({ regex: '\\Ax\\z' }),
      }),
    )
    await T('create window 0', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}w`, settingsAllOf(), {
        filter: db.streamNameFilter({ prefixes: ['x'], maxSearchWindow: 0 }),
      }),
    )
    await T('create interval 0', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}i`, settingsAllOf(), {
        filter: db.streamNameFilter({ prefixes: ['x'], checkpointInterval: 0 }),
      }),
    )
    await T('create ahead', () =>
      ctx.client.createPersistentSubscriptionToAll(
        `${g}a`,
        settingsAllOf({ startFrom: { commit: 4611686018427387904n, prepare: 4611686018427387904n } }),
      ),
    )
    await T('create prepare > commit', () =>
      ctx.client.createPersistentSubscriptionToAll(`${g}pp`, settingsAllOf({ startFrom: { commit: 1n, prepare: 2n } })),
    )
    await T('info', async () => {
      const i = info(await ctx.client.getPersistentSubscriptionToAllInfo(`${g}f`), ctx)
      delete i.stats
      return i
    })
    await T('info missing', () => ctx.client.getPersistentSubscriptionToAllInfo('none'))
    await T('list', async () =>
      (await ctx.client.listPersistentSubscriptionsToAll())
        .filter((i) => i.groupName.startsWith(g))
        .map((i) => i.groupName)
        .sort(),
    )
    await T('update', () => ctx.client.updatePersistentSubscriptionToAll(g, settingsAllOf({ maxRetryCount: 2 })))
    await T('update missing', () => ctx.client.updatePersistentSubscriptionToAll('none', settingsAllOf()))
    await T('delete missing', () => ctx.client.deletePersistentSubscriptionToAll('none'))
    await T('replay missing', () => ctx.client.replayParkedMessagesToAll('none'))
    const l = listen(ctx, '$all', 'none')
    await sleep(400)
    out['connect missing'] = l.seen
    await l.stop()
    await T('delete', () => ctx.client.deletePersistentSubscriptionToAll(g))
    for (const s of ['f', 'c', 'w', 'i', 'a', 'pp', 'b'])
      await ctx.client.deletePersistentSubscriptionToAll(`${g}${s}`).catch(() => undefined)
    return out
  },
  { timeout: 20_000 },
)
probe(
  'ps.settings',
  async (ctx) => {
    const out = {}
    const create = (stream, group, o = {}) =>
      attempt(async () => {
        const r = await within(
          ctx.client.createPersistentSubscriptionToStream(stream, group, settingsOf(o)),
          1000,
          'no answer',
        )
        return r ?? 'ok'
      })
    const answered = (work) => tried(() => within(work(), 1000, 'no answer'))
    const cases = {
      'read = history': { readBatchSize: 20, historyBufferSize: 20 },
      'read > history': { readBatchSize: 30, historyBufferSize: 20 },
      'live = read': { liveBufferSize: 20, readBatchSize: 20, historyBufferSize: 50 },
      'live < read': { liveBufferSize: 5, readBatchSize: 20, historyBufferSize: 50 },
      'live 0': { liveBufferSize: 0 },
      'read 0': { readBatchSize: 0 },
      'history 0': { historyBufferSize: 0, readBatchSize: 0, liveBufferSize: 0 },
      'timeout 0': { messageTimeout: 0 },
      'timeout -1': { messageTimeout: -1 },
      'retry 0': { maxRetryCount: 0 },
      'retry -1': { maxRetryCount: -1 },
      'checkpointAfter 0': { checkPointAfter: 0 },
      'checkpointAfter -1': { checkPointAfter: -1 },
      'min > max': { checkPointLowerBound: 50, checkPointUpperBound: 10 },
      'min -1': { checkPointLowerBound: -1 },
      'max 0': { checkPointLowerBound: 0, checkPointUpperBound: 0 },
      'max 0 subscribers': { maxSubscriberCount: 0 },
      'max -1 subscribers': { maxSubscriberCount: -1 },
      'strategy none': { consumerStrategyName: '' },
      'strategy x': { consumerStrategyName: 'x' },
      PinnedByCorrelation: { consumerStrategyName: 'PinnedByCorrelation' },
      'start 5': { startFrom: 5n },
      'start max': { startFrom: 9223372036854775807n },
      'start end': { startFrom: 'end' },
      'extra stats': { extraStatistics: true },
    }
    for (const [name, o] of Object.entries(cases)) {
      out[name] = await create(ctx.s('x'), name, o)
      out[`${name} info`] = await answered(async () => {
        const i = await ctx.client.getPersistentSubscriptionToStreamInfo(ctx.s('x'), name)
        return JSON.stringify({ s: i.settings, status: i.status }, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))
      })
    }
    for (const name of ['', 'a/b', 'a::b', 'a b', 'żółć', '%2F', '$g', 'a\nb', 'n'.repeat(300)]) {
      out[`group '${name.slice(0, 10)}'`] = await create(ctx.s('n'), name)
      out[`group '${name.slice(0, 10)}' info`] = await answered(async () => {
        const i = await ctx.client.getPersistentSubscriptionToStreamInfo(ctx.s('n'), name)
        return `${i.groupName === name}`
      })
      out[`group '${name.slice(0, 10)}' delete`] = await answered(async () => {
        await ctx.client.deletePersistentSubscriptionToStream(ctx.s('n'), name)
        return 'ok'
      })
    }
    for (const name of ['żółć', 'a/b::c', '$sys', '$$meta', '%00']) {
      const stream = name === '' || name === '$all' ? name : `${name}${ctx.prefix}`
      out[`stream '${name}'`] = await create(stream, ctx.s('gg'))
      out[`stream '${name}' info`] = await answered(async () => {
        const i = await ctx.client.getPersistentSubscriptionToStreamInfo(stream, ctx.s('gg'))
        return i.eventSource
      })
      await answered(() => ctx.client.deletePersistentSubscriptionToStream(stream, ctx.s('gg')))
    }
    return out
  },
  { timeout: 30_000 },
)
for (const name of ['', '$all']) {
  probe(`ps.stream-name.${name || 'empty'}`, async (ctx) => {
    const answered = (work) => tried(() => within(work(), 1500, 'no answer'))
    return {
      create: await answered(
        async () => (await ctx.client.createPersistentSubscriptionToStream(name, ctx.s('gg'), settingsOf())) ?? 'ok',
      ),
      info: await answered(
        async () => (await ctx.client.getPersistentSubscriptionToStreamInfo(name, ctx.s('gg'))).eventSource,
      ),
      list: await answered(async () => (await ctx.client.listPersistentSubscriptionsToStream(name)).length > 0),
      delete: await answered(
        async () => (await ctx.client.deletePersistentSubscriptionToStream(name, ctx.s('gg'))) ?? 'ok',
      ),
    }
  })
}
probe(
  'ps.raw.errors',
  async (ctx) => {
    const out = {}
    const call = (method, Req, fill) =>
      new Promise((resolve) => {
        const r = new Req()
        fill?.(r)
        ctx.persistent[method](r, (e) => resolve(e ? err(e) : 'ok'))
      })
    const x = ctx.s('x')
    const settings = () => {
      const s = new P.CreateReq.Settings()
      s.setMaxRetryCount(10)
      s.setReadBatchSize(20)
      s.setHistoryBufferSize(500)
      s.setLiveBufferSize(500)
      s.setMinCheckpointCount(10)
      s.setMaxCheckpointCount(1000)
      s.setMessageTimeoutMs(30000)
      s.setCheckpointAfterMs(2000)
      return s
    }
    const create = (fill) =>
      call('create', P.CreateReq, (r) => {
        const o = new P.CreateReq.Options()
        o.setSettings(settings())
        o.setGroupName(`g${Object.keys(out).length}`)
        fill(o)
        r.setOptions(o)
      })
    out['create no options'] = await call('create', P.CreateReq)
    out['create no stream'] = await create(() => undefined)
    out['create stream, start'] = await create((o) => {
      const s = new P.CreateReq.StreamOptions()
      s.setStreamIdentifier(identifier(x))
      s.setStart(emptyOf())
      o.setStream(s)
    })
    out['create stream, nothing'] = await create((o) => {
      const s = new P.CreateReq.StreamOptions()
      s.setStreamIdentifier(identifier(x))
      o.setStream(s)
    })
    out['create all, nothing'] = await create((o) => {
      const s = new P.CreateReq.AllOptions()
      o.setAll(s)
      o.setGroupName(ctx.s(`n${Object.keys(out).length}`))
    })
    out['create strategy name'] = await create((o) => {
      o.setStreamIdentifier(identifier(x))
      o.getSettings().setConsumerStrategy('Nonsense')
    })
    out['create strategy lower'] = await create((o) => {
      o.setStreamIdentifier(identifier(x))
      o.getSettings().setConsumerStrategy('pinned')
    })
    out['create strategy enum 9'] = await create((o) => {
      o.setStreamIdentifier(identifier(x))
      o.getSettings().setNamedConsumerStrategy(9)
    })
    out['create no settings'] = await call('create', P.CreateReq, (r) => {
      const o = new P.CreateReq.Options()
      o.setGroupName('gs')
      o.setStreamIdentifier(identifier(x))
      r.setOptions(o)
    })
    out['create no timeouts'] = await call('create', P.CreateReq, (r) => {
      const o = new P.CreateReq.Options()
      o.setGroupName('gt')
      o.setStreamIdentifier(identifier(x))
      const s = new P.CreateReq.Settings()
      s.setReadBatchSize(20)
      s.setHistoryBufferSize(500)
      s.setLiveBufferSize(500)
      o.setSettings(s)
      r.setOptions(o)
    })
    for (const [m, R] of [
      ['delete', P.DeleteReq],
      ['getInfo', P.GetInfoReq],
      ['list', P.ListReq],
      ['replayParked', P.ReplayParkedReq],
      ['update', P.UpdateReq],
    ]) {
      out[`${m} no options`] = await call(m, R)
      out[`${m} empty options`] = await call(m, R, (r) => r.setOptions(new R.Options()))
    }
    const read = async (messages, ms = 500) => {
      const c = ctx.persistent.read(new grpc.Metadata(), { deadline: Infinity })
      const got = []
      let status = 'open'
      c.on('data', (d) =>
        got.push(
          d.hasSubscriptionConfirmation()
            ? `confirmed ${d.getSubscriptionConfirmation().getSubscriptionId()}`
            : 'event',
        ),
      )
      c.on('error', (e) => {
        status = err(e)
      })
      c.on('end', () => {
        if (status === 'open') status = 'ended'
      })
      for (const m of messages) c.write(m)
      await sleep(ms)
      const r = { got, status }
      c.cancel()
      return r
    }
    const options = (o) => {
      const r = new P.ReadReq()
      const q = new P.ReadReq.Options()
      if (o.stream) q.setStreamIdentifier(identifier(o.stream))
      if (o.all) q.setAll(emptyOf())
      q.setGroupName(o.group)
      q.setBufferSize(o.buffer ?? 10)
      const u = new P.ReadReq.Options.UUIDOption()
      u.setString(emptyOf())
      q.setUuidOption(u)
      r.setOptions(q)
      return r
    }
    await ctx.client.createPersistentSubscriptionToStream(x, 'r', settingsOf())
    await ctx.append(x, ['1', '2'])
    out['read ok'] = await read([options({ stream: x, group: 'r' })])
    out['read nothing first'] = await read([new P.ReadReq()])
    out['read ack first'] = await read([
      (() => {
        const r = new P.ReadReq()
        r.setAck(new P.ReadReq.Ack())
        return r
      })(),
    ])
    out['read no stream'] = await read([options({ group: 'r' })])
    out['read buffer 0'] = await read([options({ stream: x, group: 'r', buffer: 0 })])
    out['read buffer -1'] = await read([options({ stream: x, group: 'r', buffer: -1 })])
    out['read options twice'] = await read([options({ stream: x, group: 'r' }), options({ stream: x, group: 'r' })])
    out['read ack unknown'] = await read([
      options({ stream: x, group: 'r' }),
      (() => {
        const r = new P.ReadReq()
        const a = new P.ReadReq.Ack()
        a.setIdsList([uuidOf(ctx.id('never'))])
        r.setAck(a)
        return r
      })(),
    ])
    out['read ack malformed'] = await read([
      options({ stream: x, group: 'r' }),
      (() => {
        const r = new P.ReadReq()
        const a = new P.ReadReq.Ack()
        a.setIdsList([uuidOf('nonsense')])
        r.setAck(a)
        return r
      })(),
    ])
    out['read ack 2001 ids'] = await read([
      options({ stream: x, group: 'r' }),
      (() => {
        const r = new P.ReadReq()
        const a = new P.ReadReq.Ack()
        a.setIdsList(Array.from({ length: 2001 }, (_, i) => uuidOf(ctx.id(`n${i}`))))
        r.setAck(a)
        return r
      })(),
    ])
    out['read missing all'] = await read([options({ all: true, group: 'none' })])
    return out
  },
  { timeout: 25_000 },
)
probe(
  'ps.start-from',
  async (ctx) => {
    const out = {}
    for (const startFrom of ['start', 'end', 0n, 1n, 2n, 3n, 7n]) {
      const x = ctx.s(`x${startFrom}`)
      await ctx.append(
        x,
        ['1', '2', '3'].map((l) => `${startFrom}${l}`),
      )
      await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom }))
      const l = listen(ctx, x, 'g')
      await l.ready
      await ctx.append(x, [`${startFrom}4`])
      await ctx.append(x, [`${startFrom}5`])
      for (let i = 0; i < 5; i++) await ctx.append(x, [`${startFrom}m${i}`])
      await sleep(450)
      out[startFrom] = l.seen.join(' ')
      await l.stop()
    }
    const y = ctx.s('empty')
    await ctx.client.createPersistentSubscriptionToStream(y, 'g', settingsOf({ startFrom: 'end' }))
    const l = listen(ctx, y, 'g')
    await l.ready
    await ctx.append(y, ['e1', 'e2'])
    await sleep(300)
    out['end of a missing stream'] = l.seen.join(' ')
    await l.stop()
    const z = ctx.s('later')
    await ctx.append(z, ['z1'])
    await ctx.client.createPersistentSubscriptionToStream(z, 'g', settingsOf({ startFrom: 'end' }))
    await ctx.append(z, ['z2', 'z3'])
    await sleep(200)
    const k = listen(ctx, z, 'g')
    await k.ready
    await sleep(300)
    out['end, appended before connecting'] = k.seen.join(' ')
    await k.stop()
    return out
  },
  { timeout: 25_000 },
)
probe(
  'ps.nack',
  async (ctx) => {
    const out = {}
    for (const action of ['park', 'retry', 'skip', 'stop']) {
      const x = ctx.s(action)
      await ctx.append(
        x,
        ['1', '2', '3'].map((l) => `${action}${l}`),
      )
      await ctx.client.createPersistentSubscriptionToStream(
        x,
        'g',
        settingsOf({ startFrom: 'start', maxRetryCount: 2 }),
      )
      let nacked = 0
      const l = listen(ctx, x, 'g', (e, s) =>
        e.event.revision === 1n && nacked++ < 5 ? s.nack(action, 'because', e) : s.ack(e),
      )
      await l.ready
      await sleep(1300)
      out[action] = l.seen.join(' ')
      out[`${action} stats`] = await tried(async () => {
        const i = await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')
        return `parked ${i.stats.parkedMessageCount} inflight ${i.stats.totalInFlightMessages} outstanding ${i.stats.outstandingMessagesCount} connections ${i.connections.length}`
      })
      await l.stop()
      const parked = `$persistentsubscription-${x}::g-parked`
      out[`${action} parked stream`] = await rawRead(ctx, { stream: parked, count: 5 }, { messages: true }).then((r) =>
        r.raw
          .filter((m) => m.hasEvent())
          .map((m) => {
            const e = m.getEvent().getEvent()
            return {
              type: e.getMetadataMap().get('type'),
              ct: e.getMetadataMap().get('content-type'),
              data: Buffer.from(e.getData_asU8()).toString(),
              meta: Buffer.from(e.getCustomMetadata_asU8()).toString(),
            }
          })
          .concat(r.raw.some((m) => m.hasEvent()) ? [] : [line(r)]),
      )
      await tried(() => ctx.client.replayParkedMessagesToStream(x, 'g'))
      const again = listen(ctx, x, 'g')
      await again.ready
      await sleep(500)
      out[`${action} replayed`] = again.seen.join(' ')
      await again.stop()
      out[`${action} parked meta`] = await readLine(ctx, { stream: `$$${parked}`, count: 3 })
      out[`${action} parked after`] = await readLine(ctx, { stream: parked, count: 5 })
    }
    return out
  },
  { timeout: 30_000 },
)
probe(
  'ps.retries',
  async (ctx) => {
    const out = {}
    for (const maxRetryCount of [0, 1, 2]) {
      const x = ctx.s(`r${maxRetryCount}`)
      await ctx.append(
        x,
        ['1', '2'].map((l) => `${maxRetryCount}${l}`),
      )
      await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom: 'start', maxRetryCount }))
      const l = listen(ctx, x, 'g', (e, s) => (e.event.revision === 0n ? s.nack('retry', 'again', e) : s.ack(e)))
      await l.ready
      await sleep(1200)
      out[`nack retry, max ${maxRetryCount}`] = l.seen.join(' ')
      out[`nack retry, max ${maxRetryCount} parked`] = await tried(
        async () => `${(await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')).stats.parkedMessageCount}`,
      )
      await l.stop()
    }
    const y = ctx.s('timeout')
    await ctx.append(y, ['y1'])
    await ctx.client.createPersistentSubscriptionToStream(
      y,
      'g',
      settingsOf({ startFrom: 'start', maxRetryCount: 2, messageTimeout: 200 }),
    )
    const l = listen(ctx, y, 'g', () => undefined)
    await l.ready
    await sleep(4000)
    out['timeout, max 2'] = l.seen.join(' ')
    out['timeout parked'] = await tried(
      async () => `${(await ctx.client.getPersistentSubscriptionToStreamInfo(y, 'g')).stats.parkedMessageCount}`,
    )
    out['timeout reason'] = await rawRead(
      ctx,
      { stream: `$persistentsubscription-${y}::g-parked`, count: 2 },
      { messages: true },
    ).then((r) =>
      r.raw
        .filter((m) => m.hasEvent())
        .map((m) => Buffer.from(m.getEvent().getEvent().getCustomMetadata_asU8()).toString()),
    )
    await l.stop()
    const z = ctx.s('gone')
    await ctx.append(z, ['z1'])
    await ctx.client.createPersistentSubscriptionToStream(z, 'g', settingsOf({ startFrom: 'start', maxRetryCount: 5 }))
    for (let i = 0; i < 3; i++) {
      const c = listen(ctx, z, 'g', () => undefined)
      await c.ready
      await sleep(300)
      out[`unacked, connection ${i}`] = c.seen.join(' ')
      await c.stop()
      await sleep(150)
    }
    return out
  },
  { timeout: 30_000 },
)
probe(
  'ps.checkpoint',
  async (ctx) => {
    const out = {}
    const x = ctx.s('x')
    await ctx.append(
      x,
      Array.from({ length: 10 }, (_, i) => `e${i}`),
    )
    await ctx.client.createPersistentSubscriptionToStream(
      x,
      'g',
      settingsOf({ startFrom: 'start', checkPointLowerBound: 1, checkPointUpperBound: 5, checkPointAfter: 300 }),
    )
    const l = listen(ctx, x, 'g', (e, s) => (e.event.revision < 7n ? s.ack(e) : undefined))
    await l.ready
    await sleep(2600)
    out.seen = l.seen.join(' ')
    const cp = `$persistentsubscription-${x}::g-checkpoint`
    out.checkpoint = await rawRead(
      ctx,
      { stream: cp, count: 1, backwards: true, from: 'end' },
      { messages: true },
    ).then((r) =>
      r.raw
        .filter((m) => m.hasEvent())
        .map((m) => ({
          type: m.getEvent().getEvent().getMetadataMap().get('type'),
          data: Buffer.from(m.getEvent().getEvent().getData_asU8()).toString(),
        })),
    )
    out.meta = await rawRead(ctx, { stream: `$$${cp}`, count: 1 }, { messages: true }).then((r) =>
      r.raw
        .filter((m) => m.hasEvent())
        .map((m) => ({
          type: m.getEvent().getEvent().getMetadataMap().get('type'),
          data: Buffer.from(m.getEvent().getEvent().getData_asU8()).toString(),
        })),
    )
    out.info = await tried(async () => {
      const i = await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')
      return JSON.stringify(
        {
          c: i.stats.lastCheckpointedEventRevision,
          k: i.stats.lastKnownEventRevision,
          inflight: i.stats.totalInFlightMessages,
          status: i.status,
        },
        (_, v) => (typeof v === 'bigint' ? `${v}n` : v),
      )
    })
    await l.stop()
    await ctx.client.restartPersistentSubscriptionSubsystem()
    await sleep(1200)
    const m = listen(ctx, x, 'g')
    await m.ready
    await sleep(900)
    out['after restart of the subsystem'] = m.seen.join(' ')
    await m.stop()
    return out
  },
  { timeout: 20_000 },
)
probe(
  'ps.checkpoint.out-of-order',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(
      x,
      Array.from({ length: 6 }, (_, i) => `e${i}`),
    )
    await ctx.client.createPersistentSubscriptionToStream(
      x,
      'g',
      settingsOf({ startFrom: 'start', checkPointLowerBound: 1, checkPointUpperBound: 1, checkPointAfter: 200 }),
    )
    const l = listen(ctx, x, 'g', (e, s) => (e.event.revision !== 2n ? s.ack(e) : undefined))
    await l.ready
    await sleep(2300)
    await l.stop()
    const data = await rawRead(
      ctx,
      { stream: `$persistentsubscription-${x}::g-checkpoint`, count: 1, backwards: true, from: 'end' },
      { messages: true },
    ).then((r) =>
      r.raw.filter((m) => m.hasEvent()).map((m) => Buffer.from(m.getEvent().getEvent().getData_asU8()).toString()),
    )
    return { seen: l.seen.join(' '), checkpoint: data }
  },
  { timeout: 15_000 },
)
probe(
  'ps.strategies',
  async (ctx) => {
    const out = {}
    for (const consumerStrategyName of ['RoundRobin', 'DispatchToSingle', 'Pinned', 'PinnedByCorrelation']) {
      const x = ctx.s(consumerStrategyName)
      await ctx.client.createPersistentSubscriptionToStream(
        x,
        'g',
        settingsOf({ startFrom: 'start', consumerStrategyName }),
      )
      const a = listen(ctx, x, 'g')
      await a.ready
      const b = listen(ctx, x, 'g')
      await b.ready
      for (let i = 0; i < 8; i++) await ctx.append(x, [`${consumerStrategyName}${i}`])
      await sleep(500)
      const s = [a.seen.length, b.seen.length].sort()
      out[consumerStrategyName] = s.join('/')
      await a.stop()
      await ctx.append(x, [`${consumerStrategyName}z`])
      await sleep(400)
      out[`${consumerStrategyName} after one left`] =
        b.seen.length - (s.includes(0) && b.seen.length < 3 ? 0 : 0) > 0 && b.seen.includes('8')
      await b.stop()
    }
    return out
  },
  { timeout: 20_000 },
)
probe('ps.buffer', async (ctx) => {
  const x = ctx.s('x')
  await ctx.append(
    x,
    Array.from({ length: 10 }, (_, i) => `e${i}`),
  )
  await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom: 'start' }))
  const l = listen(ctx, x, 'g', () => undefined, { bufferSize: 3 })
  await l.ready
  await sleep(600)
  const out = { 'buffer 3, no acks': l.seen.join(' ') }
  await l.stop()
  return out
})
probe('ps.max-subscribers', async (ctx) => {
  const x = ctx.s('x')
  await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ maxSubscriberCount: 1 }))
  const a = listen(ctx, x, 'g')
  await a.ready
  const b = listen(ctx, x, 'g')
  await b.ready
  await sleep(300)
  const out = { second: b.seen.slice(0, 1) }
  await a.stop()
  await b.stop()
  await sleep(200)
  const c = listen(ctx, x, 'g')
  await c.ready
  await sleep(200)
  out.afterLeaving = c.seen
  await c.stop()
  return out
})
probe('ps.links', async (ctx) => {
  const out = {}
  const t = ctx.s('t')
  await ctx.append(t, ['a', 'b'])
  for (const resolveLinkTos of [true, false]) {
    const x = ctx.s(`x${resolveLinkTos}`)
    await rawAppend(
      ctx,
      x,
      'any',
      [`1@${t}`, `9@${t}`, 'nonsense'].map((data, i) => ({
        id: ctx.id(`${resolveLinkTos}${i}`),
        type: '$>',
        data,
        contentType: 'application/octet-stream',
      })),
    )
    await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom: 'start', resolveLinkTos }))
    const seen = []
    const l = listen(ctx, x, 'g', (e, s) => {
      seen.push({
        event: e.event ? `${e.event.revision}@${e.event.streamId}` : 'none',
        link: e.link ? `${e.link.revision}` : 'none',
      })
      return s.ack(e)
    })
    await l.ready
    await sleep(600)
    out[resolveLinkTos] = { seen, raw: l.seen.filter((s) => /error|end/.test(s)) }
    await l.stop()
    out[`${resolveLinkTos} parked`] = await tried(
      async () => `${(await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')).stats.parkedMessageCount}`,
    )
  }
  return out
})
probe(
  'ps.stream-states',
  async (ctx) => {
    const out = {}
    for (const state of ['softdeleted', 'recreated', 'truncated', 'tombstoned']) {
      const x = ctx.s(state)
      await prepareState(ctx, x, state)
      out[`${state} create`] = await tried(async () => {
        await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom: 'start' }))
        return 'ok'
      })
      const l = listen(ctx, x, 'g')
      await l.ready
      const r = await ctx.tryAppend(x, [`${state}n`], 'any')
      await sleep(400)
      out[state] = `${r}: ${l.seen.join(' ')}`
      await l.stop()
    }
    const y = ctx.s('meanwhile')
    await ctx.append(y, ['y1', 'y2'])
    await ctx.client.createPersistentSubscriptionToStream(y, 'g', settingsOf({ startFrom: 'start' }))
    const l = listen(ctx, y, 'g')
    await l.ready
    await sleep(250)
    await ctx.client.deleteStream(y)
    await ctx.append(y, ['y3'])
    await sleep(400)
    out['deleted while'] = l.seen.join(' ')
    await ctx.client.tombstoneStream(y)
    await sleep(300)
    out['tombstoned while'] = l.seen.join(' ')
    await l.stop()
    return out
  },
  { timeout: 20_000 },
)
probe(
  'ps.all.own-streams',
  async (ctx) => {
    const g = ctx.s('g')
    const out = {}
    await ctx.client.createPersistentSubscriptionToAll(g, settingsAllOf({ startFrom: 'end' }))
    const l = listen(ctx, '$all', g)
    await l.ready
    await sleep(300)
    for (const stream of [
      `$persistentsubscription-${ctx.prefix}::y-parked`,
      `$persistentsubscription-${ctx.prefix}`,
      `$$$persistentsubscription-${ctx.prefix}::y-parked`,
      `$persistentSubscriptionConfig${ctx.prefix}`,
      `$${ctx.prefix}`,
      `$$${ctx.prefix}`,
      `${ctx.prefix}plain`,
      `$persistentsubscription-$all::${ctx.prefix}-checkpoint`,
      `$persistentsubscription-$all::${g}-parked`,
    ])
      await ctx.tryAppend(stream, [`in ${stream}`])
    await ctx.client.createPersistentSubscriptionToStream(
      ctx.s('other'),
      'o',
      settingsOf({ startFrom: 'start', checkPointLowerBound: 1, checkPointUpperBound: 1, checkPointAfter: 100 }),
    )
    await ctx.append(ctx.s('other'), ['1', '2'])
    const k = listen(ctx, ctx.s('other'), 'o', (e, s) => (e.event.revision === 0n ? s.ack(e) : s.nack('park', 'x', e)))
    await k.ready
    await sleep(2300)
    await k.stop()
    out.seen = [...new Set(l.seen)].sort()
    out.config = await tried(async () => {
      let _n = 0
      for await (const { event } of ctx.client.readStream('$persistentSubscriptionConfig', {
        direction: 'backwards',
        fromRevision: 'end',
        maxCount: 1,
      })) {
        _n++
        return {
          type: event.type,
          keys: Object.keys(event.data).sort(),
          entryKeys: Object.keys((event.data.entries ?? event.data.Entries)?.[0] ?? {}).sort(),
        }
      }
    })
    await l.stop()
    await ctx.client.deletePersistentSubscriptionToAll(g)
    return out
  },
  { timeout: 15_000 },
)
probe(
  'ps.all.start-from',
  async (ctx) => {
    const out = {}
    const x = ctx.s('x')
    for (const l of ['1', '2', '3']) await ctx.append(x, [l])
    const p = await ctx.positions(x)
    const cases = {
      'position 2': p[1],
      between: { commit: p[1].commit + 1n, prepare: p[1].commit + 1n },
      end: 'end',
      start: 'start',
    }
    for (const [name, startFrom] of Object.entries(cases)) {
      const g = ctx.s(`g-${name.replace(' ', '')}`)
      out[`${name} create`] = await tried(async () => {
        await ctx.client.createPersistentSubscriptionToAll(g, settingsAllOf({ startFrom }), {
          filter: db.streamNameFilter({ prefixes: [x] }),
        })
        return 'ok'
      })
      const l = listen(ctx, '$all', g)
      await l.ready
      await sleep(name === 'start' ? 1500 : 500)
      await ctx.append(x, [`live${name}`])
      await sleep(400)
      out[name] = l.seen.join(' ').replaceAll(`${x}:`, '')
      await l.stop()
      await tried(() => ctx.client.deletePersistentSubscriptionToAll(g))
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'ps.deleted-leftovers',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(x, ['1', '2', '3'])
    await ctx.client.createPersistentSubscriptionToStream(
      x,
      'g',
      settingsOf({ startFrom: 'start', checkPointLowerBound: 1, checkPointUpperBound: 1, checkPointAfter: 100 }),
    )
    const l = listen(ctx, x, 'g', (e, s) => (e.event.revision === 1n ? s.nack('park', 'x', e) : s.ack(e)))
    await l.ready
    await sleep(1800)
    await l.stop()
    await ctx.client.deletePersistentSubscriptionToStream(x, 'g')
    await sleep(500)
    const out = {
      checkpoint: await readLine(ctx, { stream: `$persistentsubscription-${x}::g-checkpoint`, count: 5 }),
      parked: await readLine(ctx, { stream: `$persistentsubscription-${x}::g-parked`, count: 5 }),
    }
    await ctx.client.createPersistentSubscriptionToStream(x, 'g', settingsOf({ startFrom: 'start' }))
    const k = listen(ctx, x, 'g')
    await k.ready
    await sleep(600)
    out['created again delivers'] = k.seen.join(' ')
    await k.stop()
    out.parkedCount = await tried(
      async () => `${(await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')).stats.parkedMessageCount}`,
    )
    return out
  },
  { timeout: 15_000 },
)
probe('ps.connection-info', async (ctx) => {
  const x = ctx.s('x')
  await ctx.client.createPersistentSubscriptionToStream(
    x,
    'g',
    settingsOf({ startFrom: 'start', extraStatistics: true }),
  )
  await ctx.append(x, ['1', '2'])
  const l = listen(ctx, x, 'g', (e, s) => (e.event.revision === 0n ? s.ack(e) : undefined))
  await l.ready
  await sleep(700)
  const i = await ctx.client.getPersistentSubscriptionToStreamInfo(x, 'g')
  const c = i.connections
    .map((each) => ({
      ...JSON.parse(JSON.stringify(each, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))),
      connectionName: each.connectionName ? 'set' : 'none',
      from: String(each.from).replace(/:\d+$/, ':PORT'),
    }))
    .map(({ extraStatistics, averageItemsPerSecond, observedMeasurements, ...r }) => ({
      ...r,
      measured:
        (observedMeasurements ?? extraStatistics ?? []).length ?? typeof (observedMeasurements ?? extraStatistics),
    }))
  const { averagePerSecond, countSinceLastMeasurement, ...stats } = JSON.parse(
    JSON.stringify(i.stats, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)),
  )
  await l.stop()
  return { c, stats, status: i.status }
})

export { info }
