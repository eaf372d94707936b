/** The figures of /metrics for OpenTelemetry's reader, under the same names: one registry, told in two ways. */
import type { HrTime } from '@opentelemetry/api'
import { ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType, type MetricData, type MetricProducer } from '@opentelemetry/sdk-metrics'
import type { FigureRegistry } from '../../telemetry.ts'

interface Figure {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram' | 'summary'
  values: readonly { value: number; labels: Readonly<Record<string, string | number>>; metricName?: string }[]
}
type Values = Figure['values']

export function createFigureProducer(resource: Resource): MetricProducer & { add(registry: FigureRegistry): void } {
  const registries: FigureRegistry[] = []
  const startTime = hrTime(Date.now() - performance.now())
  return {
    add: (registry) => void registries.push(registry),
    async collect() {
      const read = await Promise.all(registries.map((each) => each.getMetricsAsJSON()))
      const endTime = hrTime(Date.now())
      const metrics = (read.flat() as Figure[]).flatMap((figure) => metricOf(figure, { startTime, endTime }))
      const scopeMetrics = [{ scope: { name: 'opslog' }, metrics }]
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
    },
  }
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)]

function metricOf({ name, help, type, values }: Figure, times: { startTime: HrTime; endTime: HrTime }): MetricData[] {
  const descriptor = { name, description: help, unit: '', valueType: ValueType.DOUBLE, advice: {} }
  const about = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE }
  const points = () => values.map(({ value, labels }) => ({ ...times, attributes: { ...labels }, value }))
  switch (type) {
    case 'counter':
      return [{ ...about, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() }]
    case 'gauge':
      return [{ ...about, dataPointType: DataPointType.GAUGE, dataPoints: points() }]
    case 'histogram':
      return [
        {
          ...about,
          dataPointType: DataPointType.HISTOGRAM,
          dataPoints: histograms(values).map((each) => ({ ...times, ...each })),
        },
      ]
    default:
      return []
  }
}

/** Prometheus counts what is at most each bound; OpenTelemetry what is between two of them. */
function histograms(values: Values) {
  const byLabels = Map.groupBy(values, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels))
  return [...byLabels.values()].map((own) => {
    const { le: _, ...attributes } = own[0]?.labels ?? {}
    const counted = own
      .filter(({ labels }) => labels.le !== undefined)
      .map(({ labels, value }) => ({
        bound: labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le),
        value,
      }))
      .toSorted((a, b) => a.bound - b.bound)
    const counts = counted.map(({ value }, at) => value - (counted[at - 1]?.value ?? 0))
    const boundaries = counted.map(({ bound }) => bound).filter(Number.isFinite)
    const ending = (end: string) => own.find(({ metricName }) => metricName?.endsWith(end))?.value ?? 0
    return { attributes, value: { buckets: { boundaries, counts }, sum: ending('_sum'), count: ending('_count') } }
  })
}
