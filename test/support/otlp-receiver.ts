/** A collector of OpenTelemetry's: takes OTLP as JSON over HTTP, and keeps what it was told. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ToldSpan {
  name: string
  traceId: string
  spanId: string
  /** Absent: the first of its trace. */
  parentSpanId?: string
  attributes: Record<string, unknown>
  /** Trace ids. */
  links: string[]
  isFault: boolean
  /** Attributes of the process that tells. */
  resource: Record<string, unknown>
}

export interface ToldFigure {
  name: string
  points: { attributes: Record<string, unknown>; [member: string]: unknown }[]
}

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string
  spans(): ToldSpan[]
  /** Of the process with these roles, as it told them last, by name. */
  figures(roles: string): ReadonlyMap<string, ToldFigure>
  /** Every body that came. */
  told(): string
  close(): Promise<void>
}

interface Value {
  stringValue?: string
  intValue?: number | string
  doubleValue?: number
  boolValue?: boolean
}
type Attributes = { key: string; value: Value }[]
interface Resourced {
  resource: { attributes: Attributes }
}
interface OtlpSpan extends Omit<ToldSpan, 'attributes' | 'links' | 'isFault' | 'resource'> {
  attributes: Attributes
  links?: { traceId: string }[]
  status?: { code?: number }
}
interface OtlpMetric {
  name: string
  [kind: string]: unknown
}

const ERROR = 2
const attributesOf = (given: Attributes): Record<string, unknown> =>
  Object.fromEntries(
    given.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  )

export async function startCollector(): Promise<Collector> {
  const spans: ToldSpan[] = []
  const figures = new Map<string, Map<string, ToldFigure>>()
  const bodies: string[] = []

  function takeSpans(body: string): void {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: (Resourced & { scopeSpans: { spans: OtlpSpan[] }[] })[]
    }
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const { attributes, links = [], status, ...span } of scopeSpans.flatMap((scope) => scope.spans)) {
        const told = { attributes: attributesOf(attributes), resource: attributesOf(resource.attributes) }
        spans.push({ ...span, ...told, links: links.map(({ traceId }) => traceId), isFault: status?.code === ERROR })
      }
    }
  }

  function takeFigures(body: string): void {
    const { resourceMetrics } = JSON.parse(body) as {
      resourceMetrics: (Resourced & { scopeMetrics: { metrics: OtlpMetric[] }[] })[]
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      const roles = String(attributesOf(resource.attributes)['opslog.roles'])
      const own = figures.get(roles) ?? new Map<string, ToldFigure>()
      figures.set(roles, own)
      for (const { name, ...kinds } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        const { dataPoints = [] } = (kinds.gauge ?? kinds.sum ?? kinds.histogram ?? {}) as {
          dataPoints?: ToldFigure['points']
        }
        const points = dataPoints.map((point) => ({ ...point, attributes: attributesOf(point.attributes as never) }))
        own.set(name, { name, points })
      }
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks).toString('utf8')
    bodies.push(body)
    if (request.url === '/v1/traces') takeSpans(body)
    else takeFigures(body)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    figures: (roles) => figures.get(roles) ?? new Map(),
    told: () => bodies.join('\n'),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
