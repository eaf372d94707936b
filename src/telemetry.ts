/**
 * Spans, as the rest of the house makes them. Without a collector each function does the given work and nothing else, and
 * no package of OpenTelemetry is loaded; with one, adapters/telemetry/open-telemetry.ts stands behind it. Attributes name
 * no person and hold no body and no key: ids, codes, counts and times.
 */

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** A span under way; what is set of one that is not recorded is lost. */
export interface Span {
  readonly isRecorded: boolean
  set(attributes: Attributes): void
  rename(name: string): void
}

export interface SpanOptions {
  /** What it follows from, as a W3C traceparent; absent: the span under way, else nothing. */
  parent?: string | undefined
  /** Traceparents of what else it is about. */
  links?: readonly string[]
  kind?: 'server' | 'client' | 'producer' | 'consumer'
  /** An error that is an answer like others, and no fault. */
  isExpected?: (error: unknown) => boolean
}

/** What makes spans where there is a collector. */
export interface Tracer {
  span<T>(name: string, attributes: Attributes, work: (span: Span) => T, options: SpanOptions): T
  /** Of the span under way. */
  traceparent(): string | undefined
  /** Members that a log line is found by. */
  logFields(): object
  /** Sends these figures along; prom-client's registry. */
  addFigures(registry: FigureRegistry): void
  /** Sends what waits, within a bound. */
  close(): Promise<void>
}

/** The part of prom-client's registry that is used here. */
export interface FigureRegistry {
  getMetricsAsJSON(): Promise<unknown>
}

const NO_SPAN: Span = { isRecorded: false, set: () => undefined, rename: () => undefined }
const NOTHING: SpanOptions = {}

let tracer: Tracer | undefined

/** From now on spans go there; undefined: nowhere. */
export const useTracer = (next: Tracer | undefined): void => {
  tracer = next
}

/** Sends what waits. From now on spans go nowhere. */
export async function closeTelemetry(): Promise<void> {
  const last = tracer
  tracer = undefined
  await last?.close()
}

/** For what is only put together to be told. */
export const isTracing = (): boolean => tracer !== undefined

/** Does the work within a span that ends with it: the promise's end, where it gives one. */
export function span<T>(name: string, attributes: Attributes, work: (span: Span) => T, options = NOTHING): T {
  return tracer === undefined ? work(NO_SPAN) : tracer.span(name, attributes, work, options)
}

/** The traceparent of the span under way; undefined where there is none. */
export const traceparentNow = (): string | undefined => tracer?.traceparent()

export const traceFields = (): object => tracer?.logFields() ?? NOTHING

export const addFigures = (registry: FigureRegistry): void => tracer?.addFigures(registry)

/** Whether the trace of this traceparent is recorded. */
export const isSampled = (traceparent: string | undefined): traceparent is string =>
  traceparent !== undefined && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1

type Environment = Readonly<Record<string, string | undefined>>

/** Which of the two have a collector to go to, by OpenTelemetry's variables. */
export function telemetryWanted(environment: Environment): { traces: boolean; metrics: boolean } {
  const { OTEL_SDK_DISABLED: disabled, OTEL_EXPORTER_OTLP_ENDPOINT: both } = environment
  const isWanted = (kind: 'TRACES' | 'METRICS'): boolean =>
    disabled?.toLowerCase() !== 'true' &&
    environment[`OTEL_${kind}_EXPORTER`] !== 'none' &&
    Boolean(both || environment[`OTEL_EXPORTER_OTLP_${kind}_ENDPOINT`])
  return { traces: isWanted('TRACES'), metrics: isWanted('METRICS') }
}
