/**
 * Spans and figures to a collector, by OTLP over HTTP. Samplers, headers, resource attributes and batches go by
 * OpenTelemetry's own variables. What waits for the collector is bounded; what finds no room is dropped, and no request
 * waits for it. Loaded where a collector is configured, and nowhere else.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  createContextKey,
  DiagLogLevel,
  diag,
  type Link,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { Log } from '../../log.ts'
import { TRACEPARENT } from '../../runtime/traceparent.ts'
import { within } from '../../runtime/within.ts'
import type { FigureRegistry, Span, SpanOptions, Tracer } from '../../telemetry.ts'
import { createFigureProducer } from './figures.ts'

export interface TelemetryOptions {
  wanted: { traces: boolean; metrics: boolean }
  version: string
  roles: readonly string[]
  /** Between two sends of the figures. */
  figuresIntervalMs: number
  log: Log
}

/** At the stop, for what waits. */
const FLUSH_MAX_MS = 2_000
/** A collector that cannot be reached is told once in this time. */
const WARN_INTERVAL_MS = 60_000
/** For one send of the figures, as OpenTelemetry's own default has it. */
const EXPORT_TIMEOUT_MS = 30_000

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}

/** Of what is not recorded. */
const UNRECORDED: Span = { isRecorded: false, set: () => undefined, rename: () => undefined }

/**
 * A trace that begins here and is not recorded. It has no id: nothing could be found by one, so none stands in events, logs and
 * messages, and none is read again from them.
 */
const UNRECORDED_TRACE = ROOT_CONTEXT.setValue(createContextKey('not recorded'), true)

/** That was not recorded. Every sampler that does not go by the parent takes it, unless it takes none. */
const PROBE = { traceId: '1'.padStart(32, '0'), spanId: '1'.padStart(16, '0'), traceFlags: TraceFlags.NONE }

/**
 * Whether nothing is recorded of what follows from something unrecorded. OpenTelemetry's samplers by the parent have it so, and
 * one of them is its default.
 */
const goesByParent = (tracer: OtelTracer): boolean =>
  !tracer.startSpan('probe', {}, trace.setSpanContext(ROOT_CONTEXT, PROBE)).isRecording()

export function startOpenTelemetry({ wanted, version, roles, figuresIntervalMs, log }: TelemetryOptions): Tracer {
  tellSeldom(log)
  const own = { 'service.name': 'opslog', 'service.version': version, 'opslog.roles': roles.join(',') }
  const resource = resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }))
  const spanProcessors = wanted.traces ? [new BatchSpanProcessor(new OTLPTraceExporter())] : []
  const traces = new NodeTracerProvider({ resource, spanProcessors })
  const figures = createFigureProducer(resource)
  const reader = wanted.metrics
    ? new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter(),
        metricProducers: [figures],
        exportIntervalMillis: figuresIntervalMs,
        exportTimeoutMillis: Math.min(figuresIntervalMs, EXPORT_TIMEOUT_MS),
      })
    : undefined
  const meters = reader && new MeterProvider({ resource, readers: [reader] })
  return {
    ...spansOf(traces.getTracer('opslog', version)),
    addFigures: (registry: FigureRegistry) => figures.add(registry),
    close: () => within(FLUSH_MAX_MS, Promise.allSettled([traces.shutdown(), meters?.shutdown()]), undefined).then(),
  }
}

function spansOf(tracer: OtelTracer): Pick<Tracer, 'span' | 'traceparent' | 'logFields'> {
  const underWay = new AsyncLocalStorage<Context>()
  const byParent = goesByParent(tracer)
  const contextNow = () => {
    const active = underWay.getStore()
    return active && trace.getSpanContext(active)
  }
  return {
    span(name, attributes, work, { parent, links = [], kind, isExpected }) {
      const from = parent === undefined ? (underWay.getStore() ?? ROOT_CONTEXT) : contextOf(parent)
      if (from === UNRECORDED_TRACE) return work(UNRECORDED)
      const before = trace.getSpanContext(from)
      // Most traces, where a part is recorded: no span is made, and what follows is known by the one before.
      if (byParent && before && !isRecorded(before)) {
        return parent === undefined ? work(UNRECORDED) : underWay.run(from, work, UNRECORDED)
      }
      const about = { attributes: { ...attributes }, links: links.flatMap(linkTo), ...(kind && { kind: KINDS[kind] }) }
      const opened = tracer.startSpan(name, about, from)
      if (opened.isRecording()) {
        return underWay.run(trace.setSpan(from, opened), () => ended(opened, work, isExpected))
      }
      const isBegunHere = byParent && before === undefined
      return underWay.run(isBegunHere ? UNRECORDED_TRACE : trace.setSpan(from, opened), work, UNRECORDED)
    },
    traceparent() {
      const now = contextNow()
      return now && `00-${now.traceId}-${now.spanId}-${isRecorded(now) ? '01' : '00'}`
    },
    logFields() {
      const now = contextNow()
      return now ? { trace_id: now.traceId, span_id: now.spanId } : {}
    },
  }
}

const isRecorded = ({ traceFlags }: SpanContext): boolean => (traceFlags & TraceFlags.SAMPLED) !== 0

/** Does the work, and ends the span when that has ended. */
function ended<T>(opened: OtelSpan, work: (span: Span) => T, isExpected: SpanOptions['isExpected']): T {
  const fail = (error: unknown) => {
    if (!isExpected?.(error)) opened.setStatus({ code: SpanStatusCode.ERROR })
    // Messages of errors may repeat what was sent.
    opened.setAttribute('error.type', error instanceof Error ? error.name : typeof error)
    opened.end()
  }
  const handle: Span = {
    isRecorded: true,
    set: (attributes) => void opened.setAttributes({ ...attributes }),
    rename: (name) => void opened.updateName(name),
  }
  try {
    const result = work(handle)
    if (!(result instanceof Promise)) {
      opened.end()
      return result
    }
    // The promise itself goes back: who awaits it waits no turn longer.
    result.then(() => opened.end(), fail)
    return result
  } catch (error) {
    fail(error)
    throw error
  }
}

function linkTo(traceparent: string): Link[] {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? []
  return traceId === '' ? [] : [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16) } }]
}

/** Nothing where the text is no traceparent. */
function contextOf(traceparent: string): Context {
  const [link] = linkTo(traceparent)
  return link ? trace.setSpanContext(ROOT_CONTEXT, { ...link.context, isRemote: true }) : ROOT_CONTEXT
}

/** What OpenTelemetry has to say goes to the log, at most once in a while. */
function tellSeldom(log: Log): void {
  let toldMs = Number.NEGATIVE_INFINITY
  const tell = (said: string) => {
    const nowMs = performance.now()
    if (nowMs - toldMs < WARN_INTERVAL_MS) return
    toldMs = nowMs
    log.warn({ said }, 'traces or figures do not reach the collector')
  }
  const silent = () => undefined
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
