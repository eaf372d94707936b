/** Probes of the other services and of plain HTTP. */
import http from 'node:http'
import http2 from 'node:http2'
import { field, numberField } from './append.mjs'
import { emptyOf, err, grpc, pb, probe, sleep, tried, uuidShape, uuidValue, within } from './asking.mjs'

function unaryCall(ctx, path, bytes = Buffer.alloc(0), { stream = false, ms = 1500, metadata } = {}) {
  const Client = grpc.makeGenericClientConstructor(
    {
      call: {
        path,
        requestStream: false,
        responseStream: stream,
        requestSerialize: (b) => b,
        requestDeserialize: (b) => b,
        responseSerialize: (b) => b,
        responseDeserialize: (b) => b,
      },
    },
    'x',
  )
  const client = ctx.grpcClient(Client)
  return within(
    new Promise((resolve) => {
      if (stream) {
        const call = client.call(bytes, metadata ?? new grpc.Metadata())
        let n = 0
        call.on('data', () => {
          n++
          setTimeout(() => {
            resolve(`messages`)
            call.cancel()
          }, 50)
        })
        call.on('error', (e) => resolve(err(e)))
        call.on('end', () => resolve(n ? 'messages' : 'ended'))
      } else
        client.call(bytes, metadata ?? new grpc.Metadata(), (e, a) =>
          resolve(e ? err(e) : `ok ${a.length ? 'with content' : 'empty'}`),
        )
    }),
    ms,
  )
}
probe(
  'services.users',
  async (ctx) => {
    const out = {}
    for (const m of ['Update', 'Delete', 'Disable', 'Enable', 'ChangePassword', 'ResetPassword', 'Create']) {
      out[`${m} nothing`] = await unaryCall(ctx, `/event_store.client.users.Users/${m}`)
      out[`${m} unknown`] = await unaryCall(
        ctx,
        `/event_store.client.users.Users/${m}`,
        field(1, m === 'Create' ? Buffer.alloc(0) : field(1, Buffer.from('nobody'))),
      )
    }
    return out
  },
  { timeout: 25_000 },
)
// Users.Details streams its answer; it ended the process of the embedded node (TypeError in services/unary.ts).
probe(
  'services.operations',
  async (ctx) => {
    const out = {}
    const o = (m, bytes) => unaryCall(ctx, `/event_store.client.operations.Operations/${m}`, bytes)
    out.mergeIndexes = await o('MergeIndexes')
    out.setNodePriority = await o('SetNodePriority', numberField(1, 5))
    out.restartPersistentSubscriptions = await o('RestartPersistentSubscriptions')
    out['stopScavenge unknown'] = await o('StopScavenge', field(1, field(1, Buffer.from('nonsense'))))
    out['stopScavenge none'] = await o('StopScavenge')
    out['startScavenge threads 0'] = await o('StartScavenge', field(1, Buffer.alloc(0)))
    out['startScavenge none'] = await o('StartScavenge')
    out['startScavenge threads -1'] = await o('StartScavenge', field(1, numberField(1, -1)))
    out.restartSubsystem = await unaryCall(
      ctx,
      '/event_store.client.persistent_subscriptions.PersistentSubscriptions/RestartSubsystem',
    )
    await sleep(500)
    return out
  },
  { timeout: 15_000 },
)
probe(
  'services.projections',
  async (ctx) => {
    const out = {}
    for (const m of ['Create', 'Update', 'Delete', 'Disable', 'Enable', 'Reset', 'State', 'Result', 'RestartSubsystem'])
      out[m] = await unaryCall(ctx, `/event_store.client.projections.Projections/${m}`)
    out.Statistics = await unaryCall(ctx, '/event_store.client.projections.Projections/Statistics', Buffer.alloc(0), {
      stream: true,
    })
    out['client list'] = await tried(async () => {
      const r = await within(ctx.client.listProjections(), 1500)
      return r === 'timeout' ? r : `${r.length}`
    })
    out['client create'] = await tried(async () => {
      const r = await within(ctx.client.createProjection(ctx.s('p'), 'fromAll()'), 1500)
      return r === 'timeout' ? r : 'ok'
    })
    return out
  },
  { timeout: 25_000 },
)
probe('services.features', async (ctx) => {
  const F = pb('serverfeatures_grpc_pb').ServerFeaturesClient
  const r = await new Promise((resolve) =>
    ctx.grpcClient(F).getSupportedMethods(emptyOf(), (e, a) => resolve(e ? err(e) : a)),
  )
  if (r.error) return r
  const out = { version: r.getEventStoreServerVersion().split('.').slice(0, 2).join('.') }
  for (const m of r.getMethodsList())
    out[`${m.getServiceName()}/${m.getMethodName()}`] = m.getFeaturesList().sort().join(' ')
  return out
})
probe('services.gossip', async (ctx) => {
  const G = pb('gossip_grpc_pb').GossipClient
  const r = await new Promise((resolve) => ctx.grpcClient(G).read(emptyOf(), (e, a) => resolve(e ? err(e) : a)))
  if (r.error) return r
  return r.getMembersList().map((m) => ({
    id: uuidShape(m.getInstanceId()),
    idZeros: /^0+$/.test(uuidValue(m.getInstanceId()).replaceAll('-', '')),
    state: m.getState(),
    alive: m.getIsAlive(),
    endPoint: `${m.getHttpEndPoint().getAddress()}:${m.getHttpEndPoint().getPort()}`,
    time: String(m.getTimeStamp()).length,
  }))
})
probe('services.monitoring', async (ctx) => {
  const M = pb('monitoring_grpc_pb').MonitoringClient
  const { StatsReq } = pb('monitoring_pb')
  const out = {}
  for (const [name, meta, period] of [
    ['plain', false, 200],
    ['metadata', true, 200],
    ['period 0', false, 0],
  ]) {
    const q = new StatsReq()
    q.setUseMetadata(meta)
    q.setRefreshTimePeriodInMs(period)
    const call = ctx.grpcClient(M).stats(q)
    const got = []
    let status = 'open'
    call.on('data', (d) => got.push(d))
    call.on('error', (e) => {
      status = err(e)
    })
    call.on('end', () => {
      if (status === 'open') status = 'ended'
    })
    await sleep(1000)
    call.cancel()
    out[name] = {
      several: got.length > 2,
      any: got.length > 0,
      status: got.length ? 'messages' : status,
      keys: got[0]
        ? [...got[0].getStatsMap().keys()]
            .filter((k) => /^(es|proc|sys)-(version|id|startTime|mem|writer.*)$/.test(k))
            .sort()
        : [],
    }
  }
  return out
})
probe('services.unknown', async (ctx) => {
  const out = {}
  for (const path of [
    '/nope/Nope',
    '/event_store.client.streams.Streams/Nope',
    '/event_store.client.nope.Nope/Read',
    '/event_store.client.redaction.Redaction/SwitchChunks',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    '/grpc.health.v1.Health/Check',
    '/event_store.cluster.Gossip/Read',
    '/event_store.client.operations.Operations/Nope',
  ])
    out[path] = await unaryCall(ctx, path)
  return out
})
function get(ctx, path, { method = 'GET', headers = {}, body } = {}) {
  return within(
    new Promise((resolve) => {
      const q = http.request({ host: ctx.host, port: ctx.port, path, method, headers, agent: false }, (r) => {
        let text = ''
        r.on('data', (d) => {
          text += d
        })
        r.on('end', () =>
          resolve({
            status: r.statusCode,
            type: r.headers['content-type'] ?? 'none',
            location: r.headers.location,
            body: text,
          }),
        )
      })
      q.on('error', (e) => resolve({ error: e.code ?? e.message }))
      if (body) q.write(body)
      q.end()
    }),
    2500,
  )
}
probe(
  'http',
  async (ctx) => {
    const out = {}
    await ctx.append(ctx.s('x'), ['1'])
    const keysOf = (text) => {
      try {
        const j = JSON.parse(text)
        return Array.isArray(j) ? `array of ${j.length}` : Object.keys(j).sort()
      } catch {
        return text ? `text ${text.slice(0, 60)}` : 'empty'
      }
    }
    for (const path of [
      '/health/live',
      '/health/live?liveCode=200',
      '/health',
      '/stats',
      '/info',
      '/info/options',
      '/gossip',
      '/ping',
      '/',
      '/web/index.html',
      '/metrics',
      `/streams/${ctx.s('x')}`,
      `/streams/${ctx.s('none')}`,
      '/streams/$all',
      '/subscriptions',
      '/users',
      '/projections/any',
      '/nope',
      '/histogram/x',
      '/stats/es',
      '/admin/node',
    ]) {
      const r = await get(ctx, path)
      out[path] =
        r === 'timeout' || r.error
          ? r
          : {
              status: r.status,
              type: r.type,
              location: r.location,
              body: path.startsWith('/metrics') ? (r.body ? 'text' : 'empty') : keysOf(r.body),
            }
    }
    for (const [method, path] of [
      ['HEAD', '/health/live'],
      ['POST', '/health/live'],
      ['HEAD', '/info'],
      ['OPTIONS', '/info'],
      ['POST', '/info'],
      ['POST', `/streams/${ctx.s('h')}`],
      ['PUT', '/nope'],
      ['DELETE', `/streams/${ctx.s('h')}`],
    ]) {
      const r = await get(ctx, path, { method, headers: { 'content-type': 'application/json', 'content-length': 0 } })
      out[`${method} ${path}`] = r === 'timeout' || r.error ? r : { status: r.status }
    }
    const i = await get(ctx, '/info')
    try {
      out['info values'] = {
        ...JSON.parse(i.body),
        esVersion: JSON.parse(i.body).esVersion.split('.').slice(0, 2).join('.'),
      }
    } catch {
      out['info values'] = i
    }
    const h = await get(ctx, '/health/live', { headers: { accept: 'application/json' } })
    out['health accept json'] = h.status
    return out
  },
  { timeout: 40_000 },
)
probe('http2', async (ctx) => {
  const out = {}
  const go = (path, headers = {}) =>
    within(
      new Promise((resolve) => {
        const session = http2.connect(`http://${ctx.address}`)
        session.on('error', (e) => resolve({ error: e.code ?? e.message }))
        const q = session.request({ ':path': path, ...headers })
        q.on('response', (h) => {
          resolve({ status: h[':status'], type: h['content-type'] ?? 'none', grpc: h['grpc-status'] ?? 'none' })
          session.close()
        })
        q.on('error', (e) => resolve({ error: e.code ?? e.message }))
        q.end()
      }),
      2000,
    )
  for (const path of ['/health/live', '/info', '/nope']) out[`h2c ${path}`] = await go(path)
  out['grpc path without content-type'] = await go('/event_store.client.streams.Streams/Read', { ':method': 'POST' })
  out['grpc path GET'] = await go('/event_store.client.streams.Streams/Read', { 'content-type': 'application/grpc' })
  return out
})

export { get }
